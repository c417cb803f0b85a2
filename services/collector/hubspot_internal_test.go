package collector

import (
	"fmt"
	"strings"
	"testing"
)

// The signature of a call was computed by hand, with openssl dgst -sha256 -hmac of method, address, body and time as one text.
func TestHubSpotSignatureByHand(t *testing.T) {
	const signature = "WVw5538aBrhc9uzcDCQLeaTUPMtV80w8P8I89IgoCNQ="
	secrets := AppSecrets{}
	if err := secrets.UnmarshalText([]byte("a1b2c3d4-1111-2222-3333-abcdefabcdef, hubspot-emea=one,hubspot-emea=two")); err != nil {
		t.Fatal(err)
	}
	good := hubspotSigned{
		method: "POST", uri: "https://plumbline.example.com/v1/hooks/hubspot?via=a%2fb%3Ac",
		body: []byte(`[{"eventId":1,"objectId":7}]`), stamp: "1795600800000",
	}
	if !good.by(secrets.byConnection["hubspot"], signature) || !good.by([]string{"old", "a1b2c3d4-1111-2222-3333-abcdefabcdef"}, " "+signature) {
		t.Error("the signature is not taken")
	}
	for name, other := range map[string]func(s *hubspotSigned){
		"method":  func(s *hubspotSigned) { s.method = "PUT" },
		"address": func(s *hubspotSigned) { s.uri = strings.Replace(s.uri, "https", "http", 1) },
		"body":    func(s *hubspotSigned) { s.body = append([]byte(" "), s.body...) },
		"time":    func(s *hubspotSigned) { s.stamp = "1795600800001" },
	} {
		s := good
		if other(&s); s.by(secrets.byConnection["hubspot"], signature) {
			t.Errorf("the signature is taken with another %s", name)
		}
	}
	for _, wrong := range []string{"", "%%", signature[:20], strings.ToUpper(signature)} {
		if good.by(secrets.byConnection["hubspot"], wrong) {
			t.Errorf("%q is taken", wrong)
		}
	}
	if good.by(secrets.byConnection["hubspot-emea"], signature) || good.by(nil, signature) || len(secrets.byConnection["hubspot-emea"]) != 2 {
		t.Error("the signature is taken with the secrets of another connection")
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", secrets, secrets, secrets, secrets.LogValue()); strings.Contains(shown, "a1b2c3d4") {
		t.Errorf("the secret is shown: %s", shown)
	}
	for _, wrong := range []string{"", "=x", "hubspot-emea=", "a,"} {
		if (&AppSecrets{}).UnmarshalText([]byte(wrong)) == nil {
			t.Errorf("%q is taken for secrets", wrong)
		}
	}
	if secrets.Validate("") == nil || secrets.Validate("https://plumbline.example.com") != nil || (AppSecrets{}).Validate("") != nil {
		t.Error("the public address is asked for exactly where there is a secret")
	}
}
