import {
  type Client,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  objectKey,
  type ReconcileContext,
  Secret,
  ServiceAccount,
  watch,
} from '@keelson/core';
import type { RootCa } from '../root-ca/root-ca.ts';
import type { SecretTokenSigner } from './secret-token-signer.ts';
import { accountNameOf, accountUidKey, missingData, secretType } from './token-secret.ts';

/** Fills Secrets of the type kubernetes.io/service-account-token, and deletes them when their account has gone. */
export class SecretTokenController implements Controller {
  readonly name = 'secret-token';
  readonly watches;
  readonly #client: Client;
  readonly #rootCa: RootCa;
  readonly #signer: SecretTokenSigner;
  readonly #secrets: Informer<Secret>;
  readonly #accounts: Informer<ServiceAccount>;

  constructor(client: Client, informers: Informers, rootCa: RootCa, signer: SecretTokenSigner) {
    this.#client = client;
    this.#rootCa = rootCa;
    this.#signer = signer;
    this.#secrets = informers.for(Secret, { fieldSelector: `type=${secretType}` });
    this.#accounts = informers.for(ServiceAccount);
    this.watches = [
      watch(this.#secrets).self(),
      watch(this.#accounts).map(({ metadata: { name, namespace } }) =>
        this.#secrets.lister
          .list()
          .filter((secret) => secret.metadata.namespace === namespace && accountNameOf(secret) === name)
          .map(({ metadata }) => objectKey(metadata)),
      ),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const secret = this.#secrets.lister.get(key);
    const name = secret && accountNameOf(secret);
    if (!secret || name === undefined || secret.metadata.deletionTimestamp) return;
    const { namespace = '' } = secret.metadata;
    const account = await this.#account(namespace, name, signal);
    const { uid = '' } = account?.metadata ?? {};
    const wanted = secret.metadata.annotations?.[accountUidKey] ?? '';
    try {
      if (!account || (wanted !== '' && wanted !== uid)) return await this.#delete(secret, signal);
      await this.#fill(secret, { namespace, name, uid, secret: secret.metadata.name }, signal);
    } catch (error) {
      // It was deleted or changed meanwhile, and brings an event of its own.
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  /** What was not seen yet may be there all the same: a Secret must not be deleted by mistake. */
  async #account(namespace: string, name: string, signal: AbortSignal): Promise<ServiceAccount | undefined> {
    const known = this.#accounts.lister.get(objectKey({ namespace, name }));
    if (known) return known;
    try {
      return await this.#client.get(ServiceAccount, { namespace, name }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #delete({ metadata }: Secret, signal: AbortSignal): Promise<void> {
    const preconditions = metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } };
    await this.#client.delete(Secret, metadata, { ...preconditions, signal });
  }

  async #fill(
    secret: Secret,
    account: { namespace: string; name: string; uid: string; secret: string },
    signal: AbortSignal,
  ): Promise<void> {
    const missing = missingData(secret, this.#rootCa.pem);
    const annotations = { ...secret.metadata.annotations, [accountUidKey]: account.uid };
    if (missing.length === 0 && secret.metadata.annotations?.[accountUidKey] === account.uid) return;
    const values = {
      'ca.crt': this.#rootCa.pem,
      namespace: account.namespace,
      token: missing.includes('token') ? await this.#signer.sign(account) : '',
    };
    const added = missing.map((name) => [name, Buffer.from(values[name]).toString('base64')]);
    const data = { ...secret.data, ...Object.fromEntries(added) };
    await this.#client.update(Secret, { ...secret, metadata: { ...secret.metadata, annotations }, data }, { signal });
  }
}
