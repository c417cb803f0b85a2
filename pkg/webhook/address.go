package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// ErrAddress says that an address is not a public one, and that the operator has not allowed it.
var ErrAddress = errors.New("the address is not a public one: an operator can allow its network with --webhook-allow")

// special are networks of global unicast that lead elsewhere than to one public machine: the special-purpose registries of IANA.
func special() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8",       // this network
		"100.64.0.0/10",   // behind the NAT of a carrier (CGNAT); some clouds have their metadata there
		"192.0.0.0/24",    // IETF protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays of 6to4
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"240.0.0.0/4",     // reserved, and broadcast
		"2001::/23",       // IETF protocol assignments, Teredo among them, which has an IPv4 address in it
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4, which has an IPv4 address in it
		"3fff::/20",       // documentation
	} {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// globalIPv6 is what of IPv6 is given out for the public network. NAT64 (64:ff9b::/96), unique local addresses, IPv4-mapped and
// IPv4-compatible ones are outside.
func globalIPv6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// public tells whether an address leads to one machine of the public network.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6() {
		return false
	}
	if a.Is6() && !globalIPv6().Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// admit refuses an address that is neither public nor in a network that the operator has named. The networks are of IPv4 or of
// IPv6 as they are written: an address of one in the form of the other is what it is.
func admit(a netip.Addr, allowed []netip.Prefix) error {
	if slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a) }) || public(a) {
		return nil
	}
	return fmt.Errorf("%s: %w", a, ErrAddress)
}

// control judges the address of a connection after its name was resolved and before anything is sent: a name that resolves to
// another address a moment later gains nothing.
func control(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return fmt.Errorf("%s: %w", network, ErrAddress)
		}
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%s: %w", address, ErrAddress)
		}
		return admit(a.Addr(), allowed)
	}
}

// parseNetworks reads networks such as 10.0.0.0/8.
func parseNetworks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	var errs []error
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Masked() != p {
			errs = append(errs, fmt.Errorf("--webhook-allow: %q is no network: write it as 10.20.0.0/16 or fd00:1::/64, for one machine as 10.20.0.7/32", text))
			continue
		}
		out = append(out, p)
	}
	return out, errors.Join(errs...)
}
