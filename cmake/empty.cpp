// The library is made of the rooms; a target needs a source of its own.
