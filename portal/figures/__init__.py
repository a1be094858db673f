"""Pure functions over arrays: no SQL, no dataclass of a page, no words. Each names the source of its method."""
