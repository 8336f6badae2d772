import { token } from '@keelson/core';

/** Signs the tokens that live in Secrets. */
export interface SecretTokenSigner {
  /** A token for a ServiceAccount, good as long as the account and the Secret are there. */
  sign(account: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    /** The name of the Secret. */
    readonly secret: string;
  }): Promise<string>;
}

export const SecretTokenSigner = token<SecretTokenSigner>('SecretTokenSigner');
