"""Populations: many small trainings of one shape, together in one compiled program.

members = [Member(config=config, train_index=fold.train_index, seed=0) for fold in folds]
results = train_population(motion_set, members)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
