"""`mace spot`: stored recordings through live's stages; one, hundreds, a data set scored."""
