package store

import "os"

func fillTheDisk(dir string) { os.Exit(3) }
