import { OAuth2Client, type TokenPayload } from "google-auth-library";

/** Public keys of whoever signs tokens, by key id, in PEM. */
export type SigningKeys = Readonly<Record<string, string>>;

export interface TokenRules {
  /** The audience that the push subscription was given; by convention the receiver's address. */
  readonly audience: string;
  /** The service account that the push subscription signs in as. */
  readonly account: string;
  /** Google's keys unless a test signs its own tokens. */
  readonly keys?: () => Promise<SigningKeys>;
}

/**
 * What a request's token is worth. `unauthenticated`: none, garbled, expired, or not signed by
 * Google. `forbidden`: Google's, for somebody else or for another receiver. `keys-unavailable`:
 * nobody can tell at this moment.
 */
export type TokenVerdict = "accepted" | "unauthenticated" | "forbidden" | "keys-unavailable";

const issuer = "https://accounts.google.com";

/**
 * Verifies the OIDC token of a push request. Nothing of a token leaves this file, not even in an
 * error: the library's messages quote it.
 */
export function tokenVerifier({
  audience,
  account,
  keys,
}: TokenRules): (authorization: string | undefined) => Promise<TokenVerdict> {
  const client = new OAuth2Client();
  const signingKeys = keys ?? (() => googleKeys(client));
  return async (authorization) => {
    const token = /^Bearer ([^\s]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return "unauthenticated";
    let known: SigningKeys;
    try {
      known = await signingKeys();
    } catch {
      return "keys-unavailable";
    }
    const payload = await verified(client, token, known);
    if (payload === null) return "unauthenticated";
    const ours =
      payload.aud === audience && payload.email === account && payload.email_verified === true;
    return ours ? "accepted" : "forbidden";
  };
}

/** Null unless the signature, the times and the issuer are right. */
async function verified(
  client: OAuth2Client,
  token: string,
  keys: SigningKeys,
): Promise<TokenPayload | null> {
  try {
    const ticket = await client.verifySignedJwtWithCertsAsync(token, keys, undefined, [issuer]);
    return ticket.getPayload() ?? null;
  } catch {
    return null;
  }
}

/** The library keeps them for as long as Google says they hold. */
async function googleKeys(client: OAuth2Client): Promise<SigningKeys> {
  const { certs } = await client.getFederatedSignonCertsAsync();
  return Object.fromEntries(
    Object.entries(certs).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}
