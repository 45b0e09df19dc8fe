declare module '*.wgsl' { const text: string; export default text }
declare module '*.ptx' { const text: string; export default text }
