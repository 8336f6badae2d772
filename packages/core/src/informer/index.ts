export { type Informer, type InformerEvent, type InformerOptions, Informers, type Lister } from './contract.ts';
export { InformerFactory, type InformerFactoryOptions } from './informer-factory.ts';
