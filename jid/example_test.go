package jid_test

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/jid"
)

func ExampleParse() {
	j, err := jid.Parse("Juliet@Capulet.Example/Balcony")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(j, j.Bare(), j.Resource())
	fmt.Println(j.Bare() == jid.MustParse("juliet@capulet.example"))
	// Output:
	// juliet@capulet.example/Balcony juliet@capulet.example Balcony
	// true
}

// An error names the part, and can be told from others.
func ExampleError() {
	_, err := jid.Parse("@capulet.example")
	var fault *jid.Error
	fmt.Println(errors.As(err, &fault) && fault.Part == jid.PartLocal, errors.Is(err, jid.ErrEmpty))
	// Output: true true
}
