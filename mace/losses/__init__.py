"""The loss-function schemes: from logits and soft targets to one number a sample.

The abstract of the MACNN paper compares "the loss function schemes" without naming them; these are
the ones in use against classes as unequal as those of micro-expressions.
"""
