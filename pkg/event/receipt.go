package event

import (
	"fmt"
	"strconv"
	"strings"
)

// String is "partition:offset", the form in answers.
func (r Receipt) String() string {
	return strconv.Itoa(r.Partition) + ":" + strconv.FormatInt(r.Offset, 10)
}

// ParseReceipt reads the form of [Receipt.String] and takes no other.
func ParseReceipt(s string) (Receipt, error) {
	partition, offset, _ := strings.Cut(s, ":")
	p, err1 := strconv.ParseUint(partition, 10, 16)
	o, err2 := strconv.ParseUint(offset, 10, 63)
	r := Receipt{int(p), int64(o)}
	if err1 != nil || err2 != nil || r.String() != s {
		return Receipt{}, fmt.Errorf("%q is no receipt, partition:offset", s)
	}
	return r, nil
}
