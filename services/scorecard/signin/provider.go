package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// provider is the OpenID Connect provider, once it has answered who it is.
type provider struct {
	cfg      Config
	callback string
	now      func() time.Time
	client   *http.Client

	asking singleflight.Group
	mu     sync.Mutex
	found  *discovered
}

// discovered is what the provider has said of itself.
type discovered struct {
	cfg      Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	client   *http.Client
}

// discover asks the provider who it is, until it has answered once. Those who want to know at the same time ask together,
// and one who no longer waits takes nothing from the others.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found != nil {
		return found, nil
	}
	answer := p.asking.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		d, err := p.ask(ctx)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.found = d
		return d, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-answer:
		if a.Err != nil {
			return nil, fmt.Errorf("ask the provider who it is: %w", a.Err)
		}
		return a.Val.(*discovered), nil
	}
}

func (p *provider) ask(ctx context.Context) (*discovered, error) {
	op, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := op.Claims(&says); err != nil {
		return nil, err
	}
	endpoint := op.Endpoint()
	// Not by trying: a provider may count a wrong try against the client.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.cfg.ClientSecret == "" || len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &discovered{
		cfg: p.cfg, provider: op, client: p.client,
		verifier: op.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.now}),
		oauth: oauth2.Config{
			ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: endpoint, RedirectURL: p.callback, Scopes: p.cfg.Scopes,
		},
	}, nil
}

// authorise is the address at which the provider asks somebody to sign in.
func (d *discovered) authorise(a attempt) string {
	return d.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier))
}

// redeem turns a code into the claims about a person. The error is a [*Refusal], and holds neither code nor token.
func (d *discovered) redeem(ctx context.Context, code string, a attempt) (map[string]any, error) {
	ctx = oidc.ClientContext(ctx, d.client)
	token, err := d.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, exchangeRefusal(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, refuse(BadToken, errors.New("there is no id token"))
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, refuse(BadToken, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return nil, refuse(WrongNonce, nil)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, refuse(BadToken, errors.New("the claims of the id token can not be read"))
	}
	// Of a token for several clients, we must be the one that it was made for.
	if party, ok := claims["azp"]; ok && party != d.cfg.ClientID {
		return nil, refuse(BadToken, errors.New("the id token was made for another client"))
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, refuse(BadToken, errors.New("the access token is not the one of the id token"))
		}
	}
	_, named := claims[d.cfg.Claim]
	_, judged := claims[verifiedClaim]
	if named && (judged || d.cfg.Claim != emailClaim) {
		return claims, nil
	}
	return d.askFurther(ctx, id.Subject, token, claims)
}

// askFurther asks for the claims that the id token does not have.
func (d *discovered) askFurther(ctx context.Context, subject string, token *oauth2.Token, claims map[string]any) (map[string]any, error) {
	if d.provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		// What the endpoint has answered stays out of the log: it may repeat the token.
		return nil, refuse(ProviderAway, errors.New("the provider does not say more about the person: its userinfo endpoint has failed"))
	}
	if info.Subject != subject {
		return nil, refuse(BadToken, errors.New("the provider speaks of another person than its id token"))
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return nil, refuse(BadToken, errors.New("what the provider says about the person can not be read"))
	}
	if mine, named := claims[d.cfg.Claim]; named && mine != more[d.cfg.Claim] {
		return nil, refuse(BadToken, errors.New("the provider says two things about who the person is"))
	}
	// The signed token wins.
	maps.Copy(more, claims)
	return more, nil
}

// exchangeRefusal tells a provider that says no from one that does not answer.
func exchangeRefusal(err error) error {
	no := (*oauth2.RetrieveError)(nil)
	if !errors.As(err, &no) {
		return refuse(ProviderAway, errors.New("the provider's token endpoint does not answer"))
	}
	if no.Response != nil && no.Response.StatusCode >= http.StatusInternalServerError {
		return refuse(ProviderAway, fmt.Errorf("the provider's token endpoint answered %d", no.Response.StatusCode))
	}
	return refuse(CodeRefused, errors.New(known(no.ErrorCode)))
}
