// Reads an answer to its end, and says how many lines came and what went wrong.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(0, err)
		os.Exit(2)
	}
	defer answer.Body.Close()
	lines, part := 0, make([]byte, 64<<10)
	for {
		n, err := answer.Body.Read(part)
		lines += bytes.Count(part[:n], []byte{'\n'})
		if err == io.EOF {
			fmt.Println(lines, answer.StatusCode)
			return
		}
		if err != nil {
			fmt.Println(lines, err)
			os.Exit(1)
		}
		if len(os.Args) > 2 { // announces the first part, and goes on when it is told to
			fmt.Println("begun")
			os.Args = os.Args[:2]
			io.ReadFull(os.Stdin, part[:1])
		}
	}
}
