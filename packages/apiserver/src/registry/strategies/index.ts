import type { NamedStrategy } from '../strategy.ts';

/** Fresh strategies for one registry: some of them remember which addresses and ports are taken. */
export function builtinStrategies(): readonly NamedStrategy[] {
  return [];
}
