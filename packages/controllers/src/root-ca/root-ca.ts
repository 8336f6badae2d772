import { token } from '@keelson/core';

/** The certificates by which the API server is known inside the cluster. */
export interface RootCa {
  /** PEM, one or more certificates. */
  readonly pem: string;
}

export const RootCa = token<RootCa>('RootCa');
