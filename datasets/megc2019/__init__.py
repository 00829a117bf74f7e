"""The composite of MEGC 2019: CASME II, SMIC and SAMM in three classes."""
