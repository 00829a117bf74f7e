"""Populations: many small trainings of one shape, together in one compiled program.

members = [Member(config=config, train_index=fold.train_index, seed=0) for fold in folds]
results = train_population(motion_set, members)
"""
