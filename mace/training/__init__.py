"""Training: one trainer, for which a run is a population of one member.

- `fit`: what a caller asks for: one network (`fit`, `fit_stream`) or many (`train_population`).
- `member`, `config`, `hyper`: what a training is; the numbers of its configuration are a pytree.
- `source`, `mixing`, `sampling`: where batches come from.
- `plan`: how members are computed; `population` and `chunk` keep to it, side by side in `lanes`.
- `program`, `step`, `optimiser`, `fine_tune`, `state`: pure functions of one member, which
  `compiling` counts and `parallel` spreads over devices.
- `run`, `checkpoint`, `log`, `signals`: the books of a member, and what ends it.
- `fitted`, `final`: what it comes to.
"""
