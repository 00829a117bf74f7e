"""The server of the coding page: who may open it, frames, edits, a second page."""

import csv
import json
import shlex
import shutil
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from videos import number_of, numbered, write_video

import mace
from mace.cli import main
from mace.errors import ConfigError, DataError
from mace.review.recordings import find_recordings
from mace.review.server import make_app
from mace.review.session import CodingSession
from mace.serving.config import ServingConfig
from mace.serving.guard import Guard
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
            config=config or ServingConfig(),
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


def test_a_face_is_shown_with_its_motion_multiplied(lab, surprise, surprise_folder):
    apex = surprise.apex - surprise.onset + 1
    shutil.copytree(surprise_folder, lab / "p2")

    def face(page, number, factor, path="p2"):
        query = {"path": path, "onset": 1, "number": number, "factor": factor}
        return page.client.get("/face", params=query)

    def picture(page, number, factor):
        image = cv2.imdecode(np.frombuffer(face(page, number, factor).content, np.uint8), 0)
        return cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA)

    with Page(lab) as page:
        rest, plain, shown = picture(page, 1, 10), picture(page, apex, 1), picture(page, apex, 6)
        brows, cheeks = np.s_[26:32, 32:100], np.s_[56:76, 24:104]  # of the crop
        rise = -mace.flow(rest, plain)[brows][..., 1].mean()
        assert 0.2 < rise < 0.5
        assert 4 * rise < -mace.flow(rest, shown)[brows][..., 1].mean() < 6.5 * rise
        assert np.abs(mace.flow(rest, shown)[cheeks]).mean() < 0.15
        missing = face(page, 12, 10, VIDEO)
        assert (missing.status_code, missing.text.strip()) == (
            404,
            "frame 1 shows no face to compare with",
        )
        for number, factor in ((0, 10), (apex, 0), (apex, "nan"), (apex, 51), (500, 10)):
            assert face(page, number, factor).status_code == 404


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
    with Page(lab, guard=guard, config=ServingConfig(max_clients=1)) as page:
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
            with page.socket(more="?token=secret") as second:  # accepted, to be told why not
                assert second.receive() == {
                    "type": "websocket.close",
                    "code": 1013,
                    "reason": "as many pages are open as are allowed (1); close one and try again",
                }


def test_places_and_their_people(lab, tmp_path):
    spotted = tmp_path / "spot"

    def found(place):
        place = find_recordings(place, spotted=spotted)
        assert {r.name for r in place.recordings} <= {"take", "first"}
        return place.root, [(r.path, r.subject, r.spotted is not None) for r in place.recordings]

    cv2.imwrite(str(lab / "plan1.png"), np.zeros((64, 64), np.uint8))
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


def test_nobody_is_two_people_for_having_come_on_two_days(tmp_path):
    for day in ("monday", "tuesday"):
        (tmp_path / "p1" / day).mkdir(parents=True)
        (tmp_path / "p1" / day / "take.mp4").touch()
    place = find_recordings(tmp_path, spotted=tmp_path / "none")
    assert [recording.subject for recording in place.recordings] == ["p1", "p1"]


def test_a_folder_whose_name_no_line_can_hold_is_refused(tmp_path):
    (tmp_path / "p\n1").mkdir()
    (tmp_path / "p\n1" / "take.mp4").touch()
    with pytest.raises(DataError, match="a line break or the like in its name or a folder's"):
        find_recordings(tmp_path, spotted=tmp_path / "none")


def test_what_is_to_be_typed_afterwards_can_be_typed(lab, capsys, monkeypatch):
    monkeypatch.setattr("mace.review.server.serve", lambda session, **options: None)
    spaced = lab.rename(lab.with_name("our lab's"))
    assert main(["review", str(spaced), "--coder", "anna"]) == 0
    (typed,) = (line for line in capsys.readouterr().err.splitlines() if "prepare" in line)
    table = spaced / "annotations.csv"
    assert shlex.split(typed) == [
        *("mace", "prepare", "folder", "--manual-dir", str(spaced)),
        *("--annotations", str(table), "--coder", "anna"),
    ]


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


def test_agreement_is_looked_for_where_the_videos_are(lab, tmp_path, capsys):
    for coder in ("anna", "ben"):
        with Page(lab / "p1", coder=coder) as page, page.socket() as socket:
            socket.receive_json()
            edit(socket, video="take.mov", do="add", event={"onset": 5, "offset": 14})
    result = tmp_path / "spot" / "take"  # which is of the video in p1
    assert main(["review", str(result), "--agreement", "anna", "ben"]) == 0
    assert "1 matched" in capsys.readouterr().out


def test_a_folder_of_pictures_is_stepped_through_by_its_own_numbers(tmp_path):
    folder = tmp_path / "lab" / "p1" / "take"
    folder.mkdir(parents=True)
    for number, image in enumerate(numbered(6)):
        cv2.imwrite(str(folder / f"img{10 + 2 * number:03d}.png"), image)
    with Page(tmp_path / "lab", fps=100) as page, page.socket() as socket:
        ((path, subject),) = ((r.path, r.subject) for r in page.session.place.recordings)
        assert (path, subject) == ("p1/take", "p1")
        facts = page.client.get("/video", params={"path": path}).json()
        assert (facts["count"], facts["fps"], facts["times"]) == (6, 50, None)
        answer = page.client.get("/frame", params={"path": path, "number": 4})
        image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert number_of(image) == 3
        assert page.client.get("/frame", params={"path": path, "number": 7}).status_code == 404
        assert page.client.get("/frame", params={"path": path, "number": 0}).status_code == 404
        socket.receive_json()
        state = edit(socket, video=path, do="add", event={"onset": 2, "apex": 3, "offset": 5})
        assert state["unsaved"] == ""
    with (tmp_path / "lab" / "annotations.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    # As `mace prepare folder` names frames, and counts them a second.
    named = [row[name] for name in ("path", "onset", "apex", "offset", "fps")]
    assert named == ["p1/take", "12", "14", "18", "100"]
    assert find_recordings(folder, spotted=tmp_path).root == folder.parent


def test_a_slow_page_holds_up_nobody(lab):
    async def slow(page):
        """A page that reads nothing, beside one that edits; asked of the application itself."""
        stuck, told = anyio.Event(), []

        def scope(headers=HEADERS):
            return {
                "type": "websocket",
                "path": "/ws",
                "raw_path": b"/ws",
                "root_path": "",
                "query_string": b"",
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                "subprotocols": [],
            }

        async def never(message):
            if message["type"] == "websocket.send":
                await stuck.wait()

        async def send(message):
            told.append(message)

        def asks(*texts):
            messages = [{"type": "websocket.connect"}]
            messages += [{"type": "websocket.receive", "text": text} for text in texts]

            async def receive():
                if messages:
                    return messages.pop(0)
                await stuck.wait()
                return {"type": "websocket.disconnect", "code": 1000}

            return receive

        edit = json.dumps({"video": VIDEO, "do": "add", "event": {"onset": 5, "offset": 9}})
        app = page.client.app
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(app, scope(), asks(), never)
                await anyio.sleep(0.1)
                group.start_soon(app, scope(), asks(edit), send)
                while not any('"added": 1' in one.get("text", "") for one in told):
                    await anyio.sleep(0.01)
                stuck.set()

    with Page(lab) as page:
        anyio.run(slow, page)


def test_a_name_with_a_line_break_is_refused(tmp_path):
    write_video(tmp_path / "a\nb.mov", numbered(3))
    with pytest.raises(DataError, match="line break"):
        find_recordings(tmp_path, spotted=tmp_path)
