"""The server of the coding page: who may open it, frames, edits, a second page."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from videos import number_of, numbered, write_video

from mace.cli import main
from mace.errors import ConfigError, DataError
from mace.live.web.config import WebConfig
from mace.live.web.guard import Guard
from mace.review.recordings import find_recordings
from mace.review.server import make_app
from mace.review.session import CodingSession
from mace.spotting.events import Event
from mace.spotting.records import EventsLog

HOST = "127.0.0.1:8765"
HEADERS = {"host": HOST, "origin": f"http://{HOST}"}
VIDEO = "p1/take.mov"


@pytest.fixture
def lab(tmp_path):
    """A person's video of 40 frames at 25/s, in which one movement was spotted."""
    (tmp_path / "lab" / "p1").mkdir(parents=True)
    write_video(tmp_path / "lab" / VIDEO, numbered(40))
    spot(tmp_path / "spot" / "take", tmp_path / "lab" / VIDEO)
    return tmp_path / "lab"


def spot(folder, video):
    folder.mkdir(parents=True)
    facts = {"made_from": {"video": str(video)}}
    (folder / "spotting.json").write_text(json.dumps(facts), encoding="utf-8")
    frames = {"onset_frame": 0, "apex_frame": 0, "offset_frame": 0}
    times = {"onset": 0.2, "apex": 0.4, "offset": 0.6}
    with EventsLog(folder / "events.jsonl") as log:
        log.write(
            [
                Event(0, "micro", **times, **frames, strength_px=0.4, label="surprise"),
                Event(0, "blink", **times, **frames, strength_px=2.0),
            ]
        )


class Page:
    def __init__(self, lab, *, guard=None, coder="anna", config=None, **more):
        place = find_recordings(lab, spotted=lab.parent / "spot")
        self.session = CodingSession(
            place, table=place.root / "annotations.csv", coder=coder, **more
        )
        app = make_app(
            self.session,
            guard=guard or Guard(frozenset({"localhost"})),
            config=config or WebConfig(),
        )
        self.client = TestClient(app, base_url=f"http://{HOST}")

    def __enter__(self):
        self.client.__enter__()
        return self

    def __exit__(self, *error):
        self.client.__exit__(*error)
        self.session.close()

    def socket(self, headers=HEADERS, more=""):
        return self.client.websocket_connect(f"/ws{more}", headers=headers)


def edit(socket, **message):
    socket.send_json({"video": VIDEO, **message})
    return socket.receive_json()


def test_frames_are_those_of_the_table(lab):
    with Page(lab) as page:
        facts = page.client.get("/video", params={"path": VIDEO}).json()
        assert (facts["count"], facts["fps"], facts["size"]) == (40, 25, [64, 48])
        spotted = facts["proposals"]
        assert [(e["onset"], e["apex"], e["offset"], e["label"]) for e in spotted] == [
            (6, 11, 16, "surprise")
        ]
        for number in (1, 40, 12):
            answer = page.client.get("/frame", params={"path": VIDEO, "number": number})
            image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
            assert number_of(image) == number - 1
        small = page.client.get("/frame", params={"path": VIDEO, "number": 1, "width": 32})
        assert cv2.imdecode(np.frombuffer(small.content, np.uint8), 1).shape == (24, 32, 3)
        for wrong in ({"number": 0}, {"number": 41}, {"number": "x"}, {}, {"path": "../x.mov"}):
            query = {"path": VIDEO, "number": 1, **wrong} if wrong else {}
            assert page.client.get("/frame", params=query).status_code == 404
        assert "no video" in page.client.get("/video", params={"path": "x"}).json()["error"]
    with Page(lab, propose=False) as page:
        assert page.client.get("/video", params={"path": VIDEO}).json()["proposals"] == []


def test_edits_are_saved_at_once_and_undone(lab):
    with Page(lab) as page, page.socket() as socket:
        assert socket.receive_json()["videos"][0]["subject"] == "p1"
        state = edit(socket, do="add", event={"onset": 5, "apex": 9, "offset": 14})
        assert (state["added"], state["undo"], state["unsaved"]) == (1, True, "")
        edit(socket, do="change", number=1, event={"label": "surprise", "units": "1+2"})
        table = (lab / "annotations.csv").read_text()
        assert "anna,p1,take_f5,p1/take.mov,micro,5,9,14,surprise,1 2,25,\n" in table
        refused = edit(socket, do="change", number=1, event={"onset": 20})
        assert refused["type"] == "refused"
        assert "not in this order" in refused["reason"]
        assert socket.receive_json()["videos"][0]["events"][0]["onset"] == 5
        edit(socket, do="undo")
        edit(socket, do="undo")
        refused = edit(socket, do="subject", subject="carla")
        assert "add an event first" in refused["reason"]
        socket.receive_json()
        assert (lab / "annotations.csv").read_text().count("\n") == 1
        edit(socket, do="redo")
        state = edit(socket, do="subject", subject="carla")
        assert ",carla,take_f5," in (lab / "annotations.csv").read_text()
        assert edit(socket, do="delete", number=1)["videos"][0]["events"] == []
        for nonsense in ("no", [], {"do": "what"}, {"do": "add"}, {"do": "change", "number": None}):
            socket.send_text(json.dumps(nonsense) if nonsense != "no" else nonsense)
            assert socket.receive_json()["type"] == "refused"
            if isinstance(nonsense, dict):
                socket.receive_json()


def test_a_second_page_of_the_same_coder_is_told_and_shows_the_same(lab):
    with Page(lab) as page, page.socket() as first:
        assert first.receive_json()["pages"] == 1
        with page.socket() as second:
            assert first.receive_json()["pages"] == second.receive_json()["pages"] == 2
            edit(second, do="add", event={"onset": 3, "offset": 9})
            assert first.receive_json()["videos"][0]["events"][0]["offset"] == 9
        assert first.receive_json()["pages"] == 1
        with pytest.raises(ConfigError, match="already"), Page(lab):
            pass
        with Page(lab, coder="ben") as other, other.socket() as third:
            assert third.receive_json()["videos"][0]["events"] == []


def test_what_cannot_be_saved_is_said_and_saved_later(lab):
    with Page(lab) as page, page.socket() as socket:
        socket.receive_json()
        edit(socket, do="add", event={"onset": 5, "offset": 14})
        table = lab / "annotations.csv"
        table.write_text(table.read_text().replace(",14,", ",15,"))
        state = edit(socket, do="change", number=1, event={"onset": 6})
        assert "changed by another program" in state["unsaved"]
        assert ",5,,15," in table.read_text()
        state = edit(socket, do="load")
        assert (state["unsaved"], state["undo"]) == ("", False)
        assert state["videos"][0]["events"][0]["offset"] == 15
        edit(socket, do="change", number=1, event={"onset": 6})
        assert ",6,,15," in table.read_text()


def test_strangers_are_refused(lab):
    guard = Guard(frozenset({"localhost"}), token="secret")
    with Page(lab, guard=guard, config=WebConfig(max_clients=1)) as page:
        query = {"path": VIDEO, "number": "1"}
        for place in ("/", "/video", "/frame"):
            assert page.client.get(place, params=query).status_code == 403
            answer = page.client.get(place, params={**query, "token": "secret"})
            assert answer.status_code == 200
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert page.client.get("/", headers={"host": "evil.example"}).status_code == 421
        assert page.client.get("/server.py").status_code == 404
        evil = HEADERS | {"origin": "http://evil.example"}
        for headers, more in ((evil, "?token=secret"), (HEADERS, ""), (HEADERS, "?token=x")):
            with pytest.raises(WebSocketDisconnect), page.socket(headers, more):
                pass
        with page.socket(more="?token=secret") as socket:
            socket.receive_json()
            with pytest.raises(WebSocketDisconnect), page.socket(more="?token=secret"):
                pass


def test_places_and_their_people(lab, tmp_path):
    spotted = tmp_path / "spot"

    def found(place):
        place = find_recordings(place, spotted=spotted)
        assert {r.name for r in place.recordings} <= {"take", "first"}
        return place.root, [(r.path, r.subject, r.spotted is not None) for r in place.recordings]

    assert found(lab) == (lab, [(VIDEO, "p1", True)])
    assert found(lab / VIDEO) == (lab / "p1", [("take.mov", "take", True)])
    assert found(spotted / "take") == found(lab / VIDEO)
    session = lab / "p2" / "first"
    session.mkdir(parents=True)
    (session / "session.json").write_text("{}")
    write_video(session / "video.mov", numbered(3))
    write_video(session / "annotated.mov", numbered(3))
    assert found(lab)[1][1:] == [("p2/first/video.mov", "p2", True)]
    assert found(session) == (session, [("video.mov", "first", True)])
    with pytest.raises(DataError, match="there is no video in"):
        found(spotted)
    with pytest.raises(DataError, match="name a video, or a folder with videos"):
        found(tmp_path / "none")


def test_events_of_a_session_are_found_by_its_clock(tmp_path):
    # Frames were dropped before the fourth picture: its number in the source is another.
    session = tmp_path / "first"
    spot(session, "camera")
    (session / "spotting.json").rename(session / "session.json")
    (session / "frames.jsonl").write_text('{"frame": 3, "timestamp": 0.12}\n')
    write_video(session / "video.mov", numbered(20))
    with Page(session) as page:
        (event,) = page.session.facts("video.mov")["proposals"]
    assert (event["onset"], event["apex"], event["offset"]) == (3, 8, 13)


def test_the_command_compares_two_coders(lab, capsys):
    for coder, onset in (("anna", 5), ("ben", 7)):
        with Page(lab, coder=coder) as page, page.socket() as socket:
            socket.receive_json()
            edit(socket, do="add", event={"onset": onset, "apex": 9, "offset": 14})
    assert main(["review", str(lab), "--agreement", "anna", "ben"]) == 0
    assert "1 matched (F1 1.000), mean IoU 0.800" in capsys.readouterr().out
    arguments = ["review", str(lab), "--agreement", "anna", "ben", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["frames"]["onset"]["mean"] == 2
    assert main(["review", str(lab), "--agreement", "anna", "carl"]) == 3
    assert "carl has coded nothing" in capsys.readouterr().err
    assert main(["review", str(lab), "--coder", "a/b"]) == 2
    assert not list(Path(lab).glob(".*"))
