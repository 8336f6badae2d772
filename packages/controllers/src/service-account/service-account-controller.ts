import {
  type Client,
  type Controller,
  type Informers,
  isStatusError,
  Namespace,
  type ObjectKey,
  objectKey,
  type ReconcileContext,
  ServiceAccount,
  watch,
} from '@keelson/core';

const accountName = 'default';

/** Sees to it that every namespace has a ServiceAccount `default`. */
export class ServiceAccountController implements Controller {
  readonly name = 'service-account';
  readonly watches;
  private readonly client: Client;
  private readonly namespaces;
  private readonly accounts;

  constructor(client: Client, informers: Informers) {
    this.client = client;
    this.namespaces = informers.for(Namespace);
    this.accounts = informers.for(ServiceAccount);
    this.watches = [
      watch(this.namespaces).self(),
      watch(this.accounts)
        .filter((account, event) => event.type === 'deleted' && account.metadata.name === accountName)
        .map((account) => [account.metadata.namespace ?? '']),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const namespace = this.namespaces.lister.get(key);
    if (!namespace || namespace.status?.phase === 'Terminating' || namespace.metadata.deletionTimestamp) return;
    const ref = { namespace: key, name: accountName };
    if (this.accounts.lister.get(objectKey(ref))) return;
    try {
      await this.client.create(ServiceAccount, { metadata: ref }, { signal });
    } catch (error) {
      // The namespace may have begun to go, or somebody else was first: neither leaves anything to do.
      if (isStatusError(error, 'AlreadyExists', 'NotFound')) return;
      if (isStatusError(error, 'Forbidden') && error.message.includes('being terminated')) return;
      throw error;
    }
  }
}
