import type { AdmissionAttributes } from '@keelson/core/admission';
import type { AdmissionEnvironment } from '../contract.ts';

/** Throws what a node may not do, or does nothing. */
export type Restrict = (
  node: string,
  attributes: AdmissionAttributes,
  environment: AdmissionEnvironment,
) => void | Promise<void>;
