"""Who trains and who is tested, and the benchmarks whose sample counts make results comparable."""
