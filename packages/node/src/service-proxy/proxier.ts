import type { ServicePortState } from './service-ports.ts';

/** Makes the machine send traffic as the ports say; called with the whole state, never twice at once. */
export interface Proxier {
  sync(ports: readonly ServicePortState[], signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
