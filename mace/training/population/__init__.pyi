from .compiling import Compilations
from .member import Member, MemberResult
from .plan import Plan, make_plan
from .population import Population
from .scalars import SCALARS, group_by_shape, same_shape, shape_of
from .training import train_population

__all__ = [
    "SCALARS",
    "Compilations",
    "Member",
    "MemberResult",
    "Plan",
    "Population",
    "group_by_shape",
    "make_plan",
    "same_shape",
    "shape_of",
    "train_population",
]
