from .compiling import Compilations
from .member import Member, MemberResult
from .plan import Plan, make_plan
from .population import Population
from .scalars import SCALARS, group_by_shape, same_shape, shape_of
from .training import each_trained, train_population

__all__ = [
    "SCALARS",
    "Compilations",
    "Member",
    "MemberResult",
    "Plan",
    "Population",
    "each_trained",
    "group_by_shape",
    "make_plan",
    "same_shape",
    "shape_of",
    "train_population",
]
