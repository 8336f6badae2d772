export { type SimulatedOptions, simulatedOptionsSchema } from './simulated/options.ts';
export { simulatedRuntimePlugin } from './simulated/plugin.ts';
export { openSimulatedRuntime } from './simulated/simulated-runtime.ts';
