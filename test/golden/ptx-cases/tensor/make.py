# Inputs (small integers, rows and columns all different) and expected values of the cases, from the definitions of the products.
import numpy as np, json, re
rng=np.random.default_rng(2026)
def hexa(a): return np.ascontiguousarray(a).tobytes().hex()
def bf16(a): return (np.asarray(a,np.float32).view(np.uint32)>>16).astype(np.uint16)
def fp8(a, mant, bias):
    # exact small integers
    out=np.zeros(a.shape,np.uint8)
    for i,x in np.ndenumerate(a):
        s=0x80 if x<0 else 0; v=abs(float(x))
        if v==0: out[i]=s; continue
        e=int(np.floor(np.log2(v))); m=(v/2**e-1)*2**mant
        assert m==int(m); out[i]=s|((e+bias)<<mant)|int(m)
    return out
def buf(name,typ,arr): b=np.ascontiguousarray(arr); return {'name':name,'type':typ,'count':int(b.nbytes//{'u8':1,'i8':1,'u16':2,'f16':2,'bf16':2,'u32':4,'i32':4,'f32':4,'f64':8}[typ]),'hex':b.tobytes().hex()}
def out(name,typ,n): return {'name':name,'type':typ,'count':n,'fill':255}
def exp(name,typ,arr): b=np.ascontiguousarray(arr); return {'buffer':name,'type':typ,'count':int(b.size),'hex':b.tobytes().hex(),'compare':'bits'}
def case(name,target,block,args,buffers,expected,features,notes):
    json.dump({'schema':'ptx-case/1','name':name,'ptx':name+'.ptx','kernel':name,'target':target,'grid':[1,1,1],'block':block,'cluster':None,'dynamicSharedBytes':0,'args':[{'ptr':a} if isinstance(a,str) else {'i32':a} for a in args],
      'buffers':buffers,'expected':expected,'features':features,'notes':notes,'verified':'values from the definition of the products; not verified on hardware'},open(name+'.json','w'))
def ints(shape,lo,hi): return rng.integers(lo,hi+1,shape)
# t01
A=ints((128,128),-8,8); B=ints((64,128),-8,8)
case('t01_wgmma_bf16','sm_90a',[256,1,1],['A','B','C'],[buf('A','bf16',bf16(A)),buf('B','bf16',bf16(B)),out('C','f32',128*64)],[exp('C','f32',(A@B.T).astype(np.float32))],
 ['wgmma.m64n64k16 bf16','128B swizzle','cp.async','two warpgroups'],'small integers: exact')
# t02
A=ints((64,32),-2,2); B=ints((16,32),-2,2); V=ints((16,64),-4,4)
S=A@B.T
O=-(S.astype(np.int64)@V)
assert abs(O).max()<=2048 and abs(S).max()<=2048
case('t02_wgmma_rs','sm_90a',[256,1,1],['A8','B8','V','out','S'],[buf('A8','u8',fp8(A,3,7)),buf('B8','u8',fp8(B,2,15)),buf('V','f16',V.astype(np.float16)),out('out','f16',64*64),out('S','f32',64*16)],
 [exp('S','f32',S.astype(np.float32)),exp('out','f16',(O+0.0).astype(np.float16))],['wgmma.m64n16k32 e4m3 x e5m2, A in registers','wgmma.m64n64k16 f16, B transposed, imm-scale-b -1','setmaxnreg','stmatrix.x4','bar.arrive'],'small integers: exact in f16')
# t03
a8=ints((16,32),-128,127).astype(np.int8); b8=ints((8,32),0,255).astype(np.uint8); c=ints((16,8),-100,100).astype(np.int32)
c[3,:]=2**31-5; c[9,:]=-2**31+5
big=a8.astype(np.int64)@b8.astype(np.int64).T+c
D32=np.clip(big,-2**31,2**31-1).astype(np.int32)
bitsA=np.unpackbits(a8.view(np.uint8),axis=1,bitorder='little').astype(np.int64); bitsB=np.unpackbits(b8,axis=1,bitorder='little').astype(np.int64)
DB=((bitsA@bitsB.T+c)&0xffffffff).astype(np.uint32).view(np.int32)
# movmatrix of a[0]: word (g, t) of rows 0-7 holds bytes 4 t .. 4 t + 3 of row g; as 8 x 8 halves
m=a8[:8,:16].copy().view(np.uint16); DM=m.T.copy().view(np.uint32)
F=ints((24,8),-30,30).astype(np.float32)/4; DF=F[:16]@F[16:].T
init=np.tile(np.array([[0.5,0.25]]),(16,4)); init[8:]*=-1
G=ints((16,4),-1000,1000).astype(np.float64); DG=G[:8]@G[8:].T+np.tile(np.array([1.5,-1.5]),(8,4))
HA=ints((32,16),-5,5); HB=ints((8,24),-5,5); DH=2*(HA@HB[:,:16].T+3)
H=np.concatenate([HA.reshape(-1),HB.reshape(-1)]).astype(np.float16)
W=ints((512,),-128,127).astype(np.int8); WA=W[:256].reshape(16,16).T.astype(np.int64); WB=W[256:].reshape(16,16).astype(np.int64)
DW=(WA@WB-7).astype(np.int32)
case('t03_mma_types','sm_80',[32,1,1],['I8','C32','D32','F','DF','G','DG','H','DH','W','DW','DM','DB'],
 [buf('I8','u8',np.concatenate([a8.view(np.uint8).reshape(-1),b8.reshape(-1)])),buf('C32','i32',c),out('D32','i32',128),buf('F','f32',F),out('DF','f32',128),buf('G','f64',G),out('DG','f64',64),buf('H','f16',H),out('DH','f32',256),buf('W','i8',W),out('DW','i32',256),out('DM','u32',32),out('DB','i32',128)],
 [exp('D32','i32',D32),exp('DF','f32',(DF+init).astype(np.float32)),exp('DG','f64',DG),exp('DH','f32',DH.T.astype(np.float32)),exp('DW','i32',DW),exp('DM','u32',DM),exp('DB','i32',DB)],
 ['mma.m16n8k32 s8 x u8 satfinite','mma.m16n8k256 b1','mma.m16n8k8 tf32','mma.m8n8k4 f64','movmatrix','wmma m32n8k16 f16','wmma m16n16k16 s8'],'small integers: exact')
# t04
A=ints((4,64,16),-8,8); B=ints((4,8,16),-8,8)
P=[A[i]@B[i].T for i in range(4)]
case('t04_wgmma_pair','sm_90a',[128,1,1],['A','B','out',4],[buf('A','bf16',bf16(A)),buf('B','bf16',bf16(B)),out('out','f32',512)],[exp('out','f32',(P[3]+2*(P[0]+P[1]+P[2])).astype(np.float32))],
 ['wgmma with two accumulators, moved while one is in flight','wait_group 1'],'small integers: exact; ptxas puts a wait before the moves (C7517)')
