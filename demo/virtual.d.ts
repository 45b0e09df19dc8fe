declare module 'virtual:kjv' { const text: string; export default text }
