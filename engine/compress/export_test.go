package compress

import "unsafe"

// Held is what z holds, in bytes.
func (z *Inflater) Held() int {
	n := int(unsafe.Sizeof(*z)) + cap(z.window)
	if z.block != nil {
		n += int(unsafe.Sizeof(*z.block))
	}
	return n
}
