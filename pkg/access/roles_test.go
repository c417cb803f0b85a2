package access_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"plumbline/pkg/access"
)

// documented reads the table of ROLES.md: the header names the roles, each row a capability.
func documented(t *testing.T) []access.Permission {
	t.Helper()
	raw, err := os.ReadFile("ROLES.md")
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	var out []access.Permission
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if header == nil {
			header = cells
			continue
		}
		p := access.Permission{Capability: access.Capability(cells[0])}
		for i := 2; i < len(cells); i++ {
			switch cells[i] {
			case "yes":
				p.Roles = append(p.Roles, access.Role(header[i]))
			case "no":
			default:
				t.Errorf("%s: %q is neither yes nor no", cells[0], cells[i])
			}
		}
		out = append(out, p)
	}
	return out
}

func TestRolesAreDocumented(t *testing.T) {
	docs, code := documented(t), access.Permissions()
	same := slices.EqualFunc(docs, code, func(a, b access.Permission) bool {
		return a.Capability == b.Capability && slices.Equal(a.Roles, b.Roles)
	})
	if !same || len(code) == 0 {
		t.Errorf("ROLES.md says\n%v\nthe code\n%v", docs, code)
	}
}

func TestMay(t *testing.T) {
	for _, p := range access.Permissions() {
		for _, r := range access.Roles() {
			if r.May(p.Capability) != slices.Contains(p.Roles, r) {
				t.Errorf("%s may %s: %v", r, p.Capability, r.May(p.Capability))
			}
		}
		if access.Role("").May(p.Capability) || access.Role("owner").May(p.Capability) {
			t.Errorf("who has no role may %s", p.Capability)
		}
	}
	if access.RoleAdmin.May("") || access.RoleAdmin.May("fly") {
		t.Error("an administrator may what there is none of")
	}
}
