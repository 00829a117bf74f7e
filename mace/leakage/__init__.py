"""Looking for leaks: what a run or a split did that makes its score too good, and by how much."""
