import { Client, Controllers, definePlugin, Informers } from '@keelson/core';
import { RootCa } from '../root-ca/root-ca.ts';
import { SecretTokenController } from './secret-token-controller.ts';
import { SecretTokenSigner } from './secret-token-signer.ts';

/** Writes tokens of ServiceAccounts into Secrets that ask for one. */
export const secretTokenPlugin = definePlugin({
  name: 'secret-token',
  user: 'system:kube-controller-manager',
  register({ provide }) {
    provide(Controllers, SecretTokenController, [Client, Informers, RootCa, SecretTokenSigner]);
  },
});
