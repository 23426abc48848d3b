// The shared secret that everyone knows. The local runner signs its tokens with it; loading refuses it outside local mode,
// so that a copied example can never protect a production gateway. It protects nothing and is not a secret.

/** Accepted as `auth.secret` only when `local` is true. */
export const LOCAL_SECRET = 'sluice-local-secret-never-use-in-production'
