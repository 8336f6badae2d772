export { type CompatibleOptions, expectCompatible } from './expect-compatible.ts';
export { FakeClock, settle } from './fake-clock.ts';
export { seededRandom } from './seeded-random.ts';
export { silentLogger } from './silent-logger.ts';
export { type WaitForOptions, waitFor } from './wait-for.ts';
