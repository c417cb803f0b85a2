package signin

import "net/http"

// Reason is why somebody was not signed in: a stable word for logs, metrics and programs.
type Reason string

// The reasons.
const (
	NoAttempt       Reason = "no_attempt"
	AttemptExpired  Reason = "attempt_expired"
	AttemptUsed     Reason = "attempt_used"
	WrongState      Reason = "wrong_state"
	Denied          Reason = "denied"
	NoCode          Reason = "no_code"
	ProviderAway    Reason = "provider_away"
	CodeRefused     Reason = "code_refused"
	BadToken        Reason = "bad_token"
	WrongNonce      Reason = "wrong_nonce"
	NoPerson        Reason = "no_person"
	EmailUnverified Reason = "email_unverified"
	NotRegistered   Reason = "not_registered"
	BadLink         Reason = "bad_link"
	NoProvider      Reason = "no_provider"
)

// Meaning is what a reason says to a person.
type Meaning struct {
	Reason Reason
	Status int
	// Title says what happened, Advice what to do about it.
	Title, Advice string
}

// Meanings are those of all reasons.
func Meanings() []Meaning {
	const again = "Begin again from the sign-in page."
	return []Meaning{
		{NoAttempt, http.StatusBadRequest, "This browser has begun no sign-in here", "The browser must take cookies, and the sign-in must begin and end at the same address of this site. " + again},
		{AttemptExpired, http.StatusBadRequest, "The sign-in took too long", "It must be done within ten minutes. " + again},
		{AttemptUsed, http.StatusBadRequest, "This sign-in was used already", "Each one works once. " + again},
		{WrongState, http.StatusBadRequest, "This is the answer to another sign-in", "It may have been begun in a second window, or by somebody else. " + again},
		{Denied, http.StatusForbidden, "The identity provider did not let you in", "It was ended there, or your account may not use Plumbline. Ask whoever runs your accounts, or begin again."},
		{NoCode, http.StatusBadRequest, "The identity provider's answer is not complete", again},
		{ProviderAway, http.StatusServiceUnavailable, "The identity provider can not be reached", "Plumbline asks it again at your next try: wait a little, then begin again. Whoever is signed in stays so."},
		{CodeRefused, http.StatusBadGateway, "The identity provider took back its answer", "It did not confirm the sign-in. " + again + " If it happens again, whoever runs Plumbline should check the client's id, secret and redirect address."},
		{BadToken, http.StatusBadGateway, "The identity provider's answer does not hold", "It is not signed by it, not for Plumbline or no longer valid, or its keys can not be read. " + again + " If it happens again, whoever runs Plumbline should check the issuer, the client's id and the clocks."},
		{WrongNonce, http.StatusBadRequest, "The identity provider's answer belongs to another sign-in", again},
		{NoPerson, http.StatusForbidden, "The identity provider does not say who you are", "Plumbline needs the claim by which events name you. Whoever runs it should check the scopes and the claim."},
		{EmailUnverified, http.StatusForbidden, "Your e-mail address is not verified", "Verify it at the identity provider, then begin again: an address that anybody may enter says nothing about who you are."},
		{NotRegistered, http.StatusForbidden, "You are not registered here", "The identity provider knows you, but Plumbline has no role for you. Ask an administrator for an entry in the registry under people."},
		{BadLink, http.StatusForbidden, "This sign-in link no longer works", "It was used already, or it has expired. If you signed in with it in this browser, go to the scorecard; otherwise start Plumbline again: it prints a new link."},
		{NoProvider, http.StatusNotFound, "There is no identity provider here", "Whoever runs Plumbline names one with --oidc-issuer. Until then a sign-in link lets you in."},
	}
}

// Refusal says why somebody was not signed in.
type Refusal struct {
	Reason Reason
	// Err is for the log: it holds no token and no code. It may be nil.
	Err error
}

// Error says the reason and what is behind it.
func (r *Refusal) Error() string {
	if r.Err == nil {
		return string(r.Reason)
	}
	return string(r.Reason) + ": " + r.Err.Error()
}

// Unwrap is what is behind it.
func (r *Refusal) Unwrap() error { return r.Err }

// Meaning is what the refusal says to a person.
func (r *Refusal) Meaning() Meaning { return r.Reason.Meaning() }

// Meaning is what the reason says to a person.
func (r Reason) Meaning() Meaning {
	for _, m := range Meanings() {
		if m.Reason == r {
			return m
		}
	}
	return Meaning{r, http.StatusForbidden, "You were not signed in", "Begin again from the sign-in page."}
}

func refuse(reason Reason, err error) error { return &Refusal{reason, err} }
