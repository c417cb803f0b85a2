package standalone

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const addressFile = "address"

// Address is the URL at which the server of a data folder listened last.
func Address(data string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(data, addressFile))
	if err != nil {
		return "", fmt.Errorf("read address: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}
