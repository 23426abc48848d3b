// What every HTTP answer of the public port carries, refused upgrades included, so that no browser, proxy or cache makes more of it than it is.
// Names no product and no version: no answer does.

/** Lower case, for node:http and for lines written by hand alike. */
export const SAFE_HEADERS = {
  // An answer is about this moment: a 503 or a token that a cache kept would be wrong for the next who asks.
  'cache-control': 'no-store',
  // A text is a text, whatever a browser finds in it.
  'x-content-type-options': 'nosniff',
  // Addresses may hold `?token=`.
  'referrer-policy': 'no-referrer',
} as const
