import { execFileSync } from 'node:child_process';
import { binary } from '../binaries.mjs';
import type { ConformanceTest } from '../suite/ledger.ts';

/** What needs more than a cluster as it comes: features that are switched on, clouds, many nodes. */
const special = /\[(Feature|FeatureGate|Alpha|Deprecated)[:\]]|cloud load-balancer|private image/;

/** The tests of Kubernetes' own suite that conformance does not ask for. */
export function testsBeyondConformance(): ConformanceTest[] {
  const printed = execFileSync(binary('e2e.test'), ['--list-tests'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return [...printed.matchAll(/^\s+\S+\.go:\d+: (\[.*)$/gm)]
    .map(([, name = '']) => ({ class: 'beyond', name: name.trimEnd() }))
    .filter(({ name }) => !name.includes('[Conformance]') && !special.test(name));
}
