export { default, websiteOperator } from '../step-09/operator.ts';
