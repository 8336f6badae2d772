import { token, tokenList } from '../plugin/index.ts';
import type { Controller, Identity, Node } from './generated/types.ts';

/** A CSI driver that is open on a node; errors are `GrpcError`. */
export interface CsiDriver {
  readonly identity: Identity;
  readonly controller: Controller;
  readonly node: Node;
  close(): Promise<void>;
}

/** What a storage plugin provides: opens a CSI driver for a node, or for the whole cluster. */
export interface CsiDriverProvider {
  /** The CSI driver name, for example `host-path.csi.keelson.dev`. */
  readonly driverName: string;
  /** `nodeName` is absent where only the controller service is wanted. */
  open(options: { readonly nodeName?: string; readonly dataDir: string }, signal?: AbortSignal): Promise<CsiDriver>;
}

/** All storage drivers of the cluster. */
export const CsiDrivers = tokenList<CsiDriverProvider>('CsiDrivers');

/** The drivers' controller services, opened once for the volume controllers. */
export interface CsiControllers {
  get(driverName: string): CsiDriver | undefined;
}
export const CsiControllers = token<CsiControllers>('CsiControllers');
