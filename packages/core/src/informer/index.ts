export {
  CacheReads,
  type Informer,
  type InformerEvent,
  type InformerHealth,
  type InformerLease,
  type InformerOptions,
  type InformerStatus,
  Informers,
  type Lister,
  type LiveQuery,
  type Query,
  type ReadObserver,
} from './contract.ts';
export { InformerFactory, type InformerFactoryOptions } from './informer-factory.ts';
