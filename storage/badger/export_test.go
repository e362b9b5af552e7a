package badger

// FreeSpace lets tests set a reserve around what is there.
var FreeSpace = freeSpace
