package main

import (
	"fmt"
	"os"

	"example.com/library"
)

func main() {
	key, err := library.Key()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(key)
}
