// The clauses of PROTOCOL.md, and what no client can observe of them. Together with the checks they leave no clause out.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** A clause that no check holds, and why none can from outside. */
export const UNOBSERVABLE: Readonly<Record<string, string>> = {
  '11.2': 'it is about clients',
  '12.2': 'it is about clients',
  '12.3': 'back-off is the client’s, and a server is not stopped by its conformance suite',
  '12.4': 'a server is not drained by its conformance suite, and the rest is about clients',
  '12.5': 'it is about what clients do',
  '14.3': 'it is about how the protocol changes; a test of this repository holds it',
  '15.7': 'it begins beyond 1000 users in a room, which is a load test; tests of this repository hold it',
  '15.10': 'it promises nothing',
  '21.3': 'spans go to a collector of the installation',
}

/** Parts of checked clauses that no check tries, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  '3.2': '429 and 503 come of a load that a suite must not bring about',
  '3.3': '1013 comes of outages of NATS or of the issuer',
  '3.9': '`unavailable` comes of outages of the issuer',
  '5.5': 'that a socket is not read cannot be told from a slow network',
  '6.2': 'the servers of a NATS cluster are not known here',
  '7.4': '`unavailable` and a publish that NATS does not permit come of faults',
  '9.4': 'permissions of NATS belong to the installation',
  '10.2': 'connections of a server, and those from one address, are a matter of load',
  '10.4': 'that what else waits is kept, and the close where it fills the queue: nobody outside sees a queue',
  '10.5': 'wildcards',
  '11.1': 'that time in which the server did not read is no silence',
  '12.1': 'codes of faults, of drains, and reserved ones',
  '13.1': 'codes of faults',
  '15.4': '`unavailable` comes of outages',
  '15.8': '`timeout` and `unavailable` come of outages',
  '15.9': 'the death of a server',
  '16.3': 'the two minutes after which a key is forgotten, and `unavailable`',
  '16.6': 'recoveries that are longer than a queue',
  '16.8': '`lost` comes of faults',
  '19.2': 'anonymous users have no grant to call where this runs',
  '19.3': '`unavailable` comes of outages, and a service sees nothing of a close',
  '19.8': 'the requests `presence` and `history` need a namespace that has them and a service',
  '19.9': 'outages of NATS',
  '20.1': 'the two minutes after which an id is forgotten, and that every router hears a request',
  '20.2': 'gateways that are silent or dead',
  '20.5': 'how long a revocation counts, and a gateway that cannot know of one',
  '20.6': 'how much a gateway remembers',
  '16.13': 'where no history is kept, silence is what answers',
  '21.1': 'that an installation may drop what clients name',
  '22.2': 'a service that decides belongs to the installation',
  '22.3': 'that it is seen by nobody and counts as one room, and what services can’t do',
}

/** The numbers of all clauses, in the order of the page. */
export function clausesOf(page: string): string[] {
  return [...page.matchAll(/^\*\*\[P-(\d+\.\d+)\]\*\*/gm)].flatMap(({ 1: number }) => number ?? [])
}

/** PROTOCOL.md of this repository. */
export function readProtocol(): string {
  return readFileSync(resolve(import.meta.dirname, '../../PROTOCOL.md'), 'utf8')
}
