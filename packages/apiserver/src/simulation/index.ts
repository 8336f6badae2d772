export { type Fault, type FaultKind, faultKinds, type Plan, seededRandom } from './plan.ts';
export {
  type Invariant,
  type SimulatedWorld,
  type SimulateOptions,
  type Simulation,
  SimulationError,
  type SimulationStep,
  simulate,
} from './simulate.ts';
