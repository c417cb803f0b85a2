// A real OpenID Connect provider for the tests: the certified oidc-provider with its own pages. Whoever enters a login is that
// person; a login that begins with "unverified" is an address that nobody has verified.
//
// usage: node provider.mjs '{"redirect":"http://…/signin/oidc/callback","port":0,"secret":"","conform":true,"idTokenSeconds":3600}'
//
// It prints "ready ISSUER" and ends when its standard input does, so that it never outlives a test.
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'

const options = { port: 0, secret: '', conform: true, idTokenSeconds: 3600, keys: '', ...JSON.parse(process.argv[2] ?? '{}') }

/** The signing keys: those of a file where one is named, so that a provider that comes back is the same one. */
function keys() {
  if (options.keys && existsSync(options.keys)) return JSON.parse(readFileSync(options.keys, 'utf8'))
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const made = { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: `k${Date.now()}` }] }
  if (options.keys) writeFileSync(options.keys, JSON.stringify(made))
  return made
}

/** Nobody is asked whether Plumbline may know their address: the organisation has decided that. */
async function loadExistingGrant(ctx) {
  const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
  grant.addOIDCScope('openid email')
  await grant.save()
  return grant
}

const client = { client_id: 'plumbline', redirect_uris: [options.redirect], grant_types: ['authorization_code'], response_types: ['code'] }
const how = options.secret ? { client_secret: options.secret } : { token_endpoint_auth_method: 'none' }

const server = createServer()
server.listen(options.port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{ ...client, ...how }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: options.conform,
    cookies: { keys: ['keys of a test'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: !id.startsWith('unverified') }) }),
    jwks: keys(),
    loadExistingGrant,
    pkce: { required: () => true },
    ttl: { IdToken: options.idTokenSeconds, AccessToken: 600, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600 },
  })
  provider.on('server_error', (_, error) => console.error(error))
  server.on('request', provider.callback())
  console.log(`ready ${issuer}`)
})
process.stdin.resume().on('end', () => process.exit(0))
