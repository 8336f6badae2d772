export { type Fault, type FaultKind, faultKinds, type Plan } from './plan.ts';
export {
  type ReplayDifference,
  ReplayError,
  type Replayed,
  type ReplayOptions,
  type ReplayReport,
  replay,
} from './replay/index.ts';
export {
  type SimulateOptions,
  type Simulation,
  SimulationError,
  type SimulationStep,
  simulate,
} from './simulate.ts';
export type { Invariant, Invariants, SimulatedWorld } from './simulated-world.ts';
