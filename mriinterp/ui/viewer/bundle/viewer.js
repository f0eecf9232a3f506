// Made from ../js by `npm run build`; not to be edited.
function kt(o,t){let e=0;for(let s=1;s<o.length;s+=1)Math.abs(o[s]-t)<Math.abs(o[e]-t)&&(e=s);return e}function B({ranges:o,centres:t},e,s=[0,0,0]){let i=o.map(
(n,r)=>n[kt(t[r],e[r])+s[r]]);return i.includes(void 0)?null:i}function Mt({centres:o},t,e){let s=o.map((r,a)=>r[kt(r,t[a])]),[i,n]=e;return o[i].flatMap(r=>o[n].
map(a=>{let h=[...s];return[h[i],h[n]]=[r,a],h}))}function f(o,t={},...e){let s=document.createElement(o);for(let[i,n]of Object.entries(t))n==null||n===!1||(i.startsWith("on")?s.addEventListener(i.slice(2),n):i===
"text"?s.textContent=n:i==="value"?s.value=n:s.setAttribute(i,n===!0?"":n));return s.append(...e.filter(i=>i!=null)),s}var te={peak:"M12 3v4M12 17v4M3 12h4M17 1\
2h4M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",play:"M8 5l11 7-11 7z",pause:"M8 5v14M16 5v14",camera:"M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-\
7z",expand:"M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",tune:"M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",eye:"M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3\
 0 1 0 0 6 3 3 0 0 0 0-6z"};function dt(o){let t=document.createElementNS("http://www.w3.org/2000/svg","svg"),e=document.createElementNS("http://www.w3.org/2000\
/svg","path");return e.setAttribute("d",te[o]),t.setAttribute("viewBox","0 0 24 24"),t.setAttribute("aria-hidden","true"),t.setAttribute("class","icon"),t.append(
e),t}function $(o,t,e){let s=Math.min(globalThis.devicePixelRatio||1,3),i=Math.max(1,Math.round(t*s)),n=Math.max(1,Math.round(e*s));(o.width!==i||o.height!==n)&&
(o.width=i,o.height=n,o.style.width=`${t}px`,o.style.height=`${e}px`);let r=o.getContext("2d");return r.setTransform(i/t,0,0,n/e,0,0),r}var x=(o,t,e)=>Math.min(e,Math.max(t,o)),ee="⁰¹²³⁴⁵⁶⁷⁸⁹";function se(o){return String(o).replace("-","⁻").replace(/\d/g,t=>ee[t])}function y(o,t=3){
if(!Number.isFinite(o))return"no value";if(o===0)return"0";let[e,s]=o.toExponential(t-1).split("e"),i=Number(s);return(i<-3||i>=6?`${e}×10${se(i)}`:o.toFixed(x(
t-1-i,0,8))).replace("-","−")}function ft(o){return String(o).replace(/\B(?=(\d{3})+(?!\d))/g," ")}function C(o){let t=Math.round(o*10)/10;return(Object.is(t,
-0)?"0":String(t)).replace("-","−")}var k=[{axis:0,name:"Sagittal",coordinate:"x",horizontal:1,vertical:2},{axis:1,name:"Coronal",coordinate:"y",horizontal:0,vertical:2},{axis:2,name:"Axial",coordinate:"\
z",horizontal:0,vertical:1}],N=[["L","R"],["P","A"],["I","S"]],St={radiological:"Radiological: patient left on screen right",neurological:"Neurological: patient\
 left on screen left"};function mt(o,[t,e,s]){return[0,1,2].map(i=>o[i][0]*t+o[i][1]*e+o[i][2]*s+o[i][3])}function At(o,t,e){let[s,i]=[0,1,2].filter(a=>a!==t),[
n,r]=[0,1,2].filter(a=>a!==e);return(o[s][n]*o[i][r]-o[s][r]*o[i][n])*((t+e)%2?-1:1)}function Tt(o){return[0,1,2].reduce((t,e)=>t+o[0][e]*At(o,0,e),0)}function ie(o){
let t=Tt(o);return[0,1,2].map(e=>{let s=[0,1,2].map(i=>At(o,i,e)/t);return[...s,-s.reduce((i,n,r)=>i+n*o[r][3],0)]})}var V=class{constructor(t){this.shape=t.shape,
this.affine=t.affine,this.inverse=ie(t.affine),this.toFile=t.toVoxel,this.strides=[1,t.shape[0],t.shape[0]*t.shape[1]],this.zooms=[0,1,2].map(e=>Math.hypot(...[
0,1,2].map(s=>t.affine[s][e]))),this.voxelVolume=Math.abs(Tt(t.affine))}get center(){return this.shape.map(t=>t>>1)}index([t,e,s]){return t+this.strides[1]*e+this.
strides[2]*s}voxelAt(t){return[t%this.shape[0],Math.floor(t/this.strides[1])%this.shape[1],Math.floor(t/this.strides[2])]}inside(t){return t.map((e,s)=>x(Math.round(
e),0,this.shape[s]-1))}mm(t){return mt(this.affine,t)}fromMm(t){return this.inside(mt(this.inverse,t))}fileVoxel(t){return mt(this.toFile,this.mm(t)).map(Math.round)}extent(t){
return[t.horizontal,t.vertical].map(e=>this.shape[e]*this.zooms[e])}},P=(o,t)=>o===0&&t==="radiological";function D(o,t){let[e,s]=N[o.horizontal],[i,n]=N[o.vertical];
return P(o.horizontal,t)?{left:s,right:e,top:n,bottom:i}:{left:e,right:s,top:n,bottom:i}}var oe=3,ne=38,re=14;function Ct(o){let{views:t,settings:e,stage:s,spec:i}=o,n=s.clientWidth;if(!n||!t.length)return!1;let r=he(o);s.classList.toggle("columns",
r);let a=r?Math.floor((n-re*(t.length-1))/t.length):n,h=globalThis.innerHeight||900,c=o.shownPlanes.length===1,p=c?.72:r||t.length===1?.58:.38,l=i.height??x(h*p,
280,c?1e3:640);for(let u of t){if(u.element.style.width=r?`${a}px`:"",u.head.classList.toggle("stacked",r||a<620),u.head.classList.toggle("narrow",a<260),u.bar?.
resize(r?a:Math.min(300,a*.4)),e.view==="mosaic"){u.planes.replaceChildren(u.mosaic.canvas),u.mosaic.resize(a);continue}le(o,u,a,l,r)}return ae(t,r),!0}function ae(o,t){
for(let s of o)s.head.style.minHeight="";if(!t)return;let e=Math.max(...o.map(s=>s.head.offsetHeight));for(let s of o)s.head.style.minHeight=`${e}px`}function he({
views:o,settings:t}){return o.length<2||t.view==="mosaic"?!1:t.layout==="auto"?o.length>2:t.layout==="columns"}function le(o,t,e,s,i){let n=o.shownPlanes,r=n.map(
d=>o.space.extent(d)),a=r.map(([d])=>d),h=r.map(([,d])=>d),c=a.reduce((d,m)=>d+m,0),p=e-oe*(n.length-1),l=Math.round(Math.min(s,p/c*Math.max(...h))),u=Math.min(
e/Math.max(...a),s/Math.max(...h));t.planes.classList.toggle("stacked",i),t.planes.replaceChildren(...n.map((d,m)=>{let g=i?e:Math.floor(p*a[m]/c),T=i?Math.round(
h[m]*u):l;return t.panes[d.axis].resize(g,T),t.profiles[d.axis]?.resize(g,ne),f("div",{class:"cell"},t.panes[d.axis].canvas,t.profiles[d.axis]?.canvas)}))}var Pt=`(()=>{function U(o,m,c,A,g){let[i,u,h]=m,f=i*u,n=new Uint8Array(o.length);for(let t=0;t<o.length;t+=1){let e=o[t];n[t]=e===65535?0:e>=A?1:e<=c?2:0}let r\
=new Int32Array(
o.length),x=0,w=0;for(let t=0;t<n.length;t+=1){let e=n[t];if(e!==1&&e!==2)continue;let l=1;r[0]=t,n[t]=e+2;for(let p=0;p<l;p+=1){let s=r[p],k=s%i,v=(s/i|0)%u,y=\
s/
f|0;k>0&&n[s-1]===e&&(n[r[l++]=s-1]=e+2),k<i-1&&n[s+1]===e&&(n[r[l++]=s+1]=e+2),v>0&&n[s-i]===e&&(n[r[l++]=s-i]=e+2),v<u-1&&n[s+i]===e&&(n[r[l++]=s+i]=e+2),y>0&\
&
n[s-f]===e&&(n[r[l++]=s-f]=e+2),y<h-1&&n[s+f]===e&&(n[r[l++]=s+f]=e+2)}if(l<g)for(let p=0;p<l;p+=1)n[r[p]]=0;else x+=1,w+=l}return{mask:n,clusters:x,voxels:w}}f\
unction z(o,m,c,A){let[g,i,u]=c,h=c.map(n=>new Float64Array(n)),f=c.map(n=>new Float64Array(n));for(let n=0,r=0;n<u;n+=1)for(let x=0;x<i;x+=1)for(let w=0;w<g;w+\
=
1,r+=1){if(m[r]===0)continue;let t=o[r]-A,e=t>0?h:f;e[0][w]+=t,e[1][x]+=t,e[2][n]+=t}return{positive:h,negative:f}}var j=new Map;globalThis.onmessage=({data:o})\
=>{if(o.codes&&j.set(o.id,o),o.drop&&j.delete(o.drop),!o.job)return;let{codes:m,shape:c,zero:A}=j.get(o.id),{mask:g,
clusters:i,voxels:u}=U(m,c,o.low,o.high,o.least),h=z(m,g,c,A);postMessage({id:o.id,job:o.job,mask:o.least>1?g:null,clusters:i,voxels:u,...h})};})();
`;var F=class{constructor(t){this.answer=t,this.newest=new Map,this.loaded=new Set,this.job=0,this.url=URL.createObjectURL(new Blob([Pt],{type:"text/javascript"})),
this.worker=new Worker(this.url),this.worker.onmessage=({data:e})=>{this.busy=!1,this.newest.get(e.id)?.job===e.job&&this.answer(e.id,e),this.next()},this.waiting=
new Map,this.busy=!1}load(t,e,s,i){this.loaded.has(t)||(this.loaded.add(t),this.worker.postMessage({id:t,codes:e,shape:s,zero:i}))}keepOnly(t){for(let e of this.
loaded)t.has(e)||(this.loaded.delete(e),this.worker.postMessage({drop:e}))}ask(t,e,s,i){let n={id:t,job:this.job+=1,low:e,high:s,least:i};this.newest.set(t,n),this.
waiting.set(t,n),this.busy||this.next()}next(){let[t,e]=this.waiting.entries().next().value??[];if(e){if(this.waiting.delete(t),!this.loaded.has(t)){this.next();
return}this.busy=!0,this.worker.postMessage(e)}}get idle(){return!this.busy&&this.waiting.size===0}close(){this.worker.terminate(),URL.revokeObjectURL(this.url)}};var $t=new Map;function Ot({spec:o,settings:t,given:e,begin:s,cursor:i,move:n}){$t.set(o.key,{settings:t,given:e,begin:s,cursor:i,move:n})}function gt(o){return $t.
get(o)}var W=class{constructor(t,e){this.space=t,this.areas=e,this.paths=new Map}path(t,e,s,i){let n=`${t.axis}/${e}/${s}/${i}`;return this.paths.has(n)||(this.paths.size>
240&&this.paths.delete(this.paths.keys().next().value),this.paths.set(n,this.trace(t,e,s,i))),this.paths.get(n)}trace(t,e,s,i){let{space:n}=this,r=n.shape[t.horizontal],
a=n.shape[t.vertical],h=e*n.strides[t.axis],{codes:c}=this.areas,p=(u,d)=>{if(u<0||d<0||u>=r||d>=a)return 0;let m=s?r-1-u:u,g=c[h+m*n.strides[t.horizontal]+(a-1-
d)*n.strides[t.vertical]];return i&&g!==i?0:g},l=new Path2D;for(let u=0;u<=a;u+=1)for(let d=0,m=-1;d<=r;d+=1){let g=d<r&&p(d,u)!==p(d,u-1);g&&m<0&&(m=d),!g&&m>=
0&&(l.moveTo(m,u),l.lineTo(d,u),m=-1)}for(let u=0;u<=r;u+=1)for(let d=0,m=-1;d<=a;d+=1){let g=d<a&&p(u,d)!==p(u-1,d);g&&m<0&&(m=d),!g&&m>=0&&(l.moveTo(u,m),l.lineTo(
u,d),m=-1)}return l}draw(t,e,s,i,n,r,a){let h=e.width/this.space.shape[s.horizontal],c=e.height/this.space.shape[s.vertical],p=(l,u,d)=>{t.save(),t.translate(e.
x,e.y),t.scale(h,c),t.strokeStyle=u,t.lineWidth=d/h,t.stroke(l),t.restore()};if(a==="all"){let l=this.path(s,i,n,0);p(l,"rgba(0, 0, 0, 0.55)",1.8),p(l,"rgba(255\
, 255, 255, 0.75)",.7)}if(r){let l=this.path(s,i,n,r);p(l,"rgba(0, 0, 0, 0.8)",3.2),p(l,"#ffffff",1.5)}}};var H=class{constructor(t,e){Object.assign(this,{step:t,changed:e}),this.timer=null}get playing(){return this.timer!==null}start(){this.playing||(this.timer=setInterval(
this.step,90),this.changed(!0))}stop(){this.playing&&(clearInterval(this.timer),this.timer=null,this.changed(!1))}};var pe=Date.now(),q=class{constructor(t){this.what=t,this.send=null,this.timer=null}ask(t){clearTimeout(this.timer),this.timer=setTimeout(()=>{let e=this.what();
e&&this.send({...e,click:pe+=1})},t)}close(){clearTimeout(this.timer)}};var Et={planes:"all",overlay:!0,smooth:!0,fade:!1,crosshair:!0,patch:!0,black:0,white:1,signedScale:"blue-black-red",unsignedScale:"inferno",top:null},zt=["view",
"layout","convention","threshold","threshold_mode","cluster","opacity","outlines","share_range",...Object.keys(Et)],Lt={layout:["view","layout","planes","conven\
tion","share_range","top"],measure:["threshold","threshold_mode","cluster"],color:["threshold","threshold_mode","opacity","fade","signedScale","unsignedScale","\
share_range","top"],window:["black","white"]},Rt=.02,G=Object.keys(Lt);function R(o,t={}){return{...Et,...o,...t}}function Nt(o){return G.filter(t=>Lt[t].some(e=>e in
o))}function jt(o){return Object.fromEntries(zt.map(t=>[t,o[t]]))}function It(o,t){let[e,s]=[R(o),R(t)],i=zt.filter(n=>JSON.stringify(e[n])!==JSON.stringify(s[n]));
return Object.fromEntries(i.map(n=>[n,s[n]]))}function _t(o,{black:t,white:e}){return"black"in o?{...o,white:Math.max(e,o.black+Rt)}:"white"in o?{...o,black:Math.
min(t,o.white-Rt)}:o}function Ut(o){return o.threshold??(o.threshold_mode==="percentile"?90:0)}function Bt(o){let t=o.space.index(o.cursor),e=o.space.mm(o.cursor),s=[`${o.spec.space} (${e.map(C).join(", ")}) mm`,`voxel (${o.space.fileVoxel(o.cursor).join(
", ")})`,`${o.spec.scanLabel} ${y(o.views[0].scan.value(t))}`];for(let i of o.views){if(!i.map)continue;let n=y(i.map.value(t),4);o.views.length===1&&s.push(`${o.
spec.valueLabel} ${n}`),i.reading.textContent=o.views.length===1?"":n}o.areas&&s.push(o.areas.at(t)),o.status.textContent=s.join(" · "),o.toolbar.showCursor(e)}
function wt(o){let t=o.views.find(a=>a.measured);if(!t||o.views.length>1){o.shown.textContent="";return}let{voxels:e,clusters:s}=t.measured,i=t.map.signed?"|val\
ue|":"value",n=t.threshold>0?`${i} ≥ ${y(t.threshold)}: `:"",r=e*o.space.voxelVolume/1e3;o.shown.textContent=`Shown: ${n}${ft(e)} voxels (${y(r)} cm³) in ${ft(
s)} ${s===1?"cluster":"clusters"}`}function bt(o){let t=getComputedStyle(o),e=(s,i)=>t.getPropertyValue(s).trim()||i;return{font:t.fontFamily,colors:{text:e("--st-text-color","#222"),border:e("--\
st-border-color","#999"),background:e("--st-background-color","#fff"),faint:e("--faint","#888"),positive:"#e2622b",negative:"#3f8fe8"}}}function E(o,t){if(t===8)return o;let e=o.length/2,s=new Uint16Array(e);for(let i=0;i<e;i+=1)s[i]=o[i]|o[e+i]<<8;return s}var Y={signed:{"blue-black-red":{label:"Blue – black – red",stops:["#c4f3ff","#5cb8ff","#2378f0","#1a3fae","#12121c","#9c1616","#e23c1e","#ff8a26","#ffeaa6"]},
"blue-white-red":{label:"Blue – white – red",stops:["#053061","#2166ac","#4393c3","#92c5de","#f7f7f7","#f4a582","#d6604d","#b2182b","#67001f"]},"purple-oran\
ge":{label:"Purple – orange",stops:["#e6daff","#b193ff","#7b4be0","#4a2a9c","#16141a","#8a4204","#cc6a08","#ffa63c","#ffe6b8"]}},unsigned:{inferno:{label:"Inf\
erno",stops:["#160b39","#420a68","#6a176e","#932667","#bc3754","#dd513a","#f37819","#fca50a","#f6d746","#fcffa4"]},hot:{label:"Hot",stops:["#4a0000","#a00000","\
#f01000","#ff7000","#ffc000","#ffff60","#ffffe8"]},viridis:{label:"Viridis",stops:["#440154","#482878","#3e4989","#31688e","#26828e","#1f9e89","#35b779","#6ece5\
8","#b5de2b","#fde725"]}}},Vt=[118,118,122],ue=o=>[1,3,5].map(t=>parseInt(o.slice(t,t+2),16));function vt(o,t,e="both"){let s=Y[o][t]??Object.values(Y[o])[0],i=(s.
stops.length-1)/2,r={both:s.stops,negative:s.stops.slice(0,i+1),positive:s.stops.slice(i)}[e].map(ue),a=new Uint8Array(768);for(let h=0;h<256;h+=1){let c=h/255*
(r.length-1),p=Math.min(r.length-2,Math.floor(c));for(let l=0;l<3;l+=1)a[3*h+l]=Math.round(r[p][l]+(c-p)*(r[p+1][l]-r[p][l]))}return a}function M(o){return Math.
max(Math.abs(o[0]),Math.abs(o[1]))}function xt(o,t){return Math.round(255*x((o-t[0])/(t[1]-t[0]),0,1))}function Dt(o,t,e){let{ramp:s,range:i,cuts:n,opacity:r,fade:a}=t,
h=M(i)||1;e.fill(0);let c=(p,l)=>{for(let u=Math.max(0,p);u<=Math.min(l,65534);u+=1){let d=(u-o.zero)*o.scale,m=3*xt(d,i),g=a?Math.min(1,Math.abs(d)/h)**.6:1,T=Math.
round(255*r*g);e[u]=(T<<24|s[m+2]<<16|s[m+1]<<8|s[m])>>>0}};return c(0,n.low),c(n.high,65534),e}function Ft(o,t,e){let s=Math.max(1e-6,t-o);for(let i=0;i<256;i+=
1){let n=Math.round(255*x((i-o)/s,0,1));e[i]=(255<<24|n<<16|n<<8|n)>>>0}return e}var K=12,de=15,Wt=21;function Ht(o,t,e){let s=[];for(let i of t.split(" ")){let n=s.length?`${s.at(-1)} ${i}`:i;s.length&&o.measureText(n).width<=e?s[s.length-1]=
n:s.push(i)}return s}function fe(o,t,e){let s=t.textContent.trim();if(!s||t.offsetParent===null)return;let i=getComputedStyle(t),n=document.createRange();n.selectNodeContents(
t);let r=parseFloat(i.fontSize);o.font=`${i.fontWeight} ${r}px ${i.fontFamily}`,o.fillStyle=i.color,o.textAlign="left",o.textBaseline="top";let a=n.getBoundingClientRect(),
h=t.getBoundingClientRect().width+2;Ht(o,s,h).forEach((c,p)=>{o.fillText(c,a.left-e.left,a.top-e.top+2+p*r*1.35)})}function qt(o){return`600 ${de}px ${o.font}`}
function me(o,t,e){return o.font=qt(t),t.spec.caption?Ht(o,t.spec.caption,e):[]}function ge(o){let t=o.stage.getBoundingClientRect(),e=o.footer.getBoundingClientRect(),
s=Math.max(2,globalThis.devicePixelRatio||1),i=document.createElement("canvas"),n=me(i.getContext("2d"),o,t.width),r=n.length?n.length*Wt+4:0,[a,h]=[t.width+2*K,
e.bottom-t.top+2*K+r];i.width=Math.round(a*s),i.height=Math.round(h*s);let c=i.getContext("2d");c.scale(s,s),c.fillStyle=o.colors.background,c.fillRect(0,0,a,h),
c.translate(K,K),c.font=qt(o),c.fillStyle=o.colors.text,c.textBaseline="top",n.forEach((p,l)=>c.fillText(p,0,l*Wt)),c.translate(0,r);for(let p of o.stage.querySelectorAll(
"canvas")){let l=p.getBoundingClientRect();l.width&&c.drawImage(p,l.left-t.left,l.top-t.top,l.width,l.height)}for(let p of o.root.querySelectorAll("[data-text]"))
fe(c,p,t);return i}function Gt(o){o.draw(),ge(o).toBlob(t=>{let e=URL.createObjectURL(t),s=o.space.mm(o.cursor).map(r=>Math.round(r)).join("_"),i=`${o.spec.stem??
o.spec.key}_${o.settings.view}_${s}.png`.replace(/[^\w.-]+/g,"-"),n=f("a",{href:e,download:i});o.root.append(n),n.click(),n.remove(),setTimeout(()=>URL.revokeObjectURL(
e),1e4)},"image/png")}var I={play:"Play through the slices of the plane last used (space)",peak:"Go to the strongest relevance of the map last used (p)",picture:"Save what is shown a\
s PNG",planes:"Planes shown (double-click a plane to enlarge it)",convention:"On which side of the screen the patient’s left lies",threshold_mode:"Percentile \
of the magnitudes other than 0, each map its own; or one value for all maps",overlay:"Show or hide the relevance (o)",black:"Darkest grey of the scan: 0 % is it\
s 1st, 100 % its 99th percentile",white:"Brightest grey of the scan: 0 % is its 1st, 100 % its 99th percentile",fade:"The weaker the relevance, the more transpa\
rent",smooth:"Linear display; off: every voxel as a square",keys:"Keys in a plane: arrows move, Page Up and Page Down change the slice, space plays, o hides the\
 overlay, p goes to the peak"},J=class{constructor(t){this.viewer=t,this.syncs=[],this.element=f("div",{class:"toolbar",role:"toolbar","aria-label":"Viewer cont\
rols"},this.navigation(),this.overlayRow(),this.display())}sync(){for(let t of this.syncs)t(this.viewer.settings)}button({label:t,text:e,image:s,press:i,name:n}){
let r=[s?dt(s):null,e?f("span",{class:n==="reset"?null:"roomy",text:e}):null];return f("button",{type:"button",class:"tool","aria-label":t,title:I[n]??t,"data-t\
ool":n,onclick:i},...r)}toggle({text:t,setting:e}){let s=f("input",{type:"checkbox","data-setting":e,onchange:()=>this.viewer.set({[e]:s.checked})});return this.
syncs.push(i=>{s.checked=i[e]}),f("label",{class:"field check",title:I[e]},s,f("span",{text:t}))}segments({setting:t,options:e,label:s}){let i=e.map(([n,r])=>f(
"button",{type:"button",class:"segment",text:r,"data-value":n,onclick:()=>this.viewer.set({[t]:n})}));return this.syncs.push(n=>i.forEach(r=>{r.setAttribute("ar\
ia-pressed",String(r.dataset.value===n[t]))})),f("div",{class:"segments",role:"group","aria-label":s},...i)}select({text:t,setting:e,options:s,label:i}){let n=f(
"select",{"data-setting":e,"aria-label":i??t,title:I[e],onchange:()=>this.viewer.set({[e]:n.value})},...s.map(([r,a])=>f("option",{value:r,text:a})));return this.
syncs.push(r=>{n.value=r[e]}),f("label",{class:"field"},t?f("span",{text:t}):null,n)}slider({text:t,setting:e,low:s,high:i,step:n,show:r}){let a=f("output",{class:"\
amount roomy"}),h=f("input",{type:"range",min:String(s),max:String(i),step:String(n),"data-setting":e,"aria-label":t,title:I[e],oninput:()=>this.viewer.set({[e]:Number(
h.value)})});return this.syncs.push(c=>{h.value=String(c[e]),a.textContent=r(c[e])}),f("label",{class:"field"},f("span",{text:t}),h,a)}navigation(){let{viewer:t}=this;
this.coordinates=k.map(n=>f("input",{type:"number",class:"coordinate",step:"1","aria-label":`${n.coordinate} in mm`,"data-coordinate":n.coordinate,onchange:()=>this.
typed()})),this.play=this.button({label:"Play",image:"play",name:"play",press:()=>t.togglePlay()}),this.more=this.button({label:"Display settings",image:"tune",
text:"Display",name:"display",press:()=>this.toggleDisplay()}),this.more.setAttribute("aria-expanded","false");let e=this.button({label:"Go to the peak",image:"\
peak",text:"Peak",name:"peak",press:()=>t.toPeak()}),s=[["all","All three"],...k.map(n=>[n.name,n.name])],i=[["radiological","Radiological"],["neurological","Ne\
urological"]];return this.syncs.push(()=>{e.hidden=t.views.every(n=>!n.map)}),f("div",{class:"bar"},this.segments({setting:"view",label:"View",options:[["ortho",
"Planes"],["mosaic","Mosaic"]]}),this.select({setting:"planes",label:"Planes shown",options:s}),this.select({setting:"convention",label:"Left and right",options:i}),
f("div",{class:"field coordinates",role:"group","aria-label":"Crosshair in mm"},...k.flatMap((n,r)=>[f("span",{text:n.coordinate}),this.coordinates[r]]),f("span",
{text:"mm"})),e,this.play,f("span",{class:"spring"}),this.more,this.button({label:"Save picture",image:"camera",name:"picture",press:()=>Gt(t)}),this.button({label:"\
Full screen",image:"expand",name:"expand",press:()=>t.toggleFullScreen()}))}overlayRow(){let{viewer:t}=this;this.threshold=f("input",{type:"range",min:"0",max:"\
1000",step:"1","data-setting":"threshold","aria-label":"Threshold",oninput:()=>t.set({threshold:this.fromSlider(Number(this.threshold.value))})}),this.thresholdNumber=
f("input",{type:"number",min:"0",step:"any",class:"number","data-setting":"threshold-exact","aria-label":"Threshold, exact",onchange:()=>t.set({threshold:Math.max(
0,Number(this.thresholdNumber.value)||0)})});let e=[["percentile","percentile"],["value","value"]],s=this.select({setting:"threshold_mode",label:"Threshold by",
options:e}),i=f("input",{type:"number",min:"1",step:"1",class:"number small","data-setting":"cluster","aria-label":"Smallest cluster in voxels",title:"Hide clus\
ters of fewer voxels; voxels touch by faces",oninput:()=>t.set({cluster:Math.max(1,Math.round(Number(i.value)||1))})});this.syncs.push(r=>{let a=t.thresholdSetting;
this.threshold.value=String(this.toSlider(a));let h=r.threshold_mode==="percentile"?Math.round(a*100)/100:Number(a.toPrecision(3));this.focused(this.thresholdNumber)||
(this.thresholdNumber.value=String(h)),this.focused(i)||(i.value=String(r.cluster))}),this.syncs.push(()=>{this.overlayBar.hidden=t.views.every(r=>!r.map)});let n=[
["off","off"],["area","this area"],["all","all areas"]];return this.outlineField=this.select({text:"Outlines",setting:"outlines",options:n}),this.overlayBar=f("\
div",{class:"bar"},this.toggle({text:"Overlay",setting:"overlay"}),f("div",{class:"field"},f("span",{text:"Threshold"}),this.threshold,this.thresholdNumber,s),f(
"label",{class:"field"},f("span",{text:"Cluster ≥"}),i,f("span",{class:"roomy",text:"voxels"})),this.slider({text:"Opacity",setting:"opacity",low:0,high:1,step:.01,
show:r=>`${Math.round(100*r)} %`}),this.outlineField),this.overlayBar}display(){let{viewer:t}=this,e=l=>Object.entries(Y[l]).map(([u,d])=>[u,d.label]),s=f("inpu\
t",{type:"number",min:"0",step:"any",class:"number",placeholder:"auto","data-setting":"top","aria-label":"Top of the colour scale",title:"Value at the end of th\
e colour scale of every map; empty: chosen for you",onchange:()=>t.set({top:Number(s.value)>0?Number(s.value):null})}),i=this.select({text:"Colours",setting:"si\
gnedScale",options:e("signed")}),n=this.select({text:"Colours",setting:"unsignedScale",options:e("unsigned")}),r=this.toggle({text:"One colour scale for all map\
s",setting:"share_range"}),a=[["auto","automatic"],["rows","rows"],["columns","columns"]],h=this.select({text:"Maps in",setting:"layout",options:a}),c=this.toggle(
{text:"Occlusion window",setting:"patch"});this.syncs.push(l=>{let u=t.views.filter(d=>d.map).map(d=>d.map.signed);i.hidden=!u.includes(!0),n.hidden=!u.includes(
!1),h.hidden=t.views.length<2,r.hidden=h.hidden||t.spec.scaleFixed,c.hidden=!t.spec.patch,this.outlineField.hidden=!t.areas,s.value=l.top===null?"":String(l.top)});
let p=l=>`${Math.round(100*l)} %`;return this.panel=f("div",{class:"bar panel",hidden:!0},this.slider({text:"Black",setting:"black",low:-.5,high:.9,step:.01,show:p}),
this.slider({text:"White",setting:"white",low:.1,high:1.25,step:.01,show:p}),i,n,f("label",{class:"field"},f("span",{text:"Scale ends at"}),s),r,h,this.toggle({
text:"Fade weak relevance",setting:"fade"}),this.toggle({text:"Smooth",setting:"smooth"}),this.toggle({text:"Crosshair",setting:"crosshair"}),c,this.button({label:"\
Reset settings",text:"Reset",name:"reset",press:()=>t.reset()}),f("span",{class:"hint",text:I.keys})),this.panel}toggleDisplay(){this.panel.hidden=!this.panel.hidden,
this.more.setAttribute("aria-expanded",String(!this.panel.hidden))}focused(t){return t.getRootNode().activeElement===t}get thresholdTop(){return this.viewer.settings.
threshold_mode==="percentile"?100:Math.max(...this.viewer.views.map(t=>M(t.range??[0,0])),1e-12)}toSlider(t){return Math.round(1e3*t/this.thresholdTop)}fromSlider(t){
return t/1e3*this.thresholdTop}typed(){let t=this.coordinates.map(e=>Number(e.value));t.some(e=>!Number.isFinite(e))||(this.viewer.player.stop(),this.viewer.moveTo(
this.viewer.space.fromMm(t)),this.viewer.report())}showCursor(t){this.coordinates.forEach((e,s)=>{let i=String(Math.round(t[s]*10)/10);!this.focused(e)&&e.value!==
i&&(e.value=i)})}showPlaying(t){this.play.replaceChildren(dt(t?"pause":"play")),this.play.setAttribute("aria-label",t?"Pause":"Play"),this.play.setAttribute("ar\
ia-pressed",String(t))}};var we=6,X=class{constructor(t){this.view=t,this.canvas=f("canvas",{class:"colorbar",role:"img"});let[e,s]=t.ends??["",""],i=[t.part==="positive"?"":e,t.part===
"negative"?"":s];this.ends=t.ends&&f("div",{class:"ends"},...i.map(n=>f("span",{text:n,"data-text":!0}))),this.element=f("div",{class:"scale"},this.canvas,this.
ends)}resize(t){this.width=t,this.height=30,this.element.style.width=`${t}px`,this.context=$(this.canvas,t,this.height)}get ticks(){let{range:t,threshold:e,map:s}=this.
view,i=e>0&&e<M(t)?[e]:[];if(!s.signed)return[t[0],...i.filter(r=>r>t[0]),t[1]];let n=[...i.map(r=>-r),0,...i].filter(r=>r>t[0]&&r<t[1]);return[t[0],...n,t[1]]}draw(t,e=this.
context,s=0,i=0,n=t.colors){let{view:r,width:a}=this,{range:h,threshold:c,ramp:p,map:l}=r,u=22,d=a-2*u;e.clearRect(s,i,a,this.height);let m=l.top>=c*(1-1e-6)?M(
h)-we*(h[1]-h[0])/d:1/0;for(let b=0;b<d;b+=1){let S=h[0]+(b+.5)/d*(h[1]-h[0]),v=l.signed?Math.abs(S):S,w=3*xt(S,h),O=v<Math.min(c,m)||v===0,[L,Qt,Zt]=O?Vt:p.subarray(
w,w+3);e.fillStyle=`rgb(${L}, ${Qt}, ${Zt})`,e.fillRect(s+u+b,i+2,1.5,10)}e.strokeStyle=n.border,e.lineWidth=1,e.strokeRect(s+u-.5,i+1.5,d+1,11),e.font=`12px ${t.
font}`,e.textBaseline="top",e.fillStyle=n.text;let g=b=>s+u+(b-h[0])/(h[1]-h[0])*d,T=[],ut=[...this.ticks].sort((b,S)=>this.rank(b)-this.rank(S));for(let b of ut){
let S=this.label(b),v=e.measureText(S).width/2+3,w=x(g(b),s+v-3,s+a-v+3);T.some(([O,L])=>w+v>O&&w-v<L)||(T.push([w-v,w+v]),e.textAlign="center",e.fillText(S,w,i+
15),e.fillRect(Math.round(g(b))-.5,i+12,1,3))}let U=[r.unit,this.ends?.textContent].filter(Boolean).map(b=>`, ${b}`).join("");this.canvas.setAttribute("aria-lab\
el",`Colour scale from ${y(h[0])} to ${y(h[1])}${U}; grey below ${y(c)}`)}rank(t){let{range:e}=this.view;return t===e[0]||t===e[1]?0:t===0?1:2}label(t){let{range:e,
map:s}=this.view,i=s.top>1.001*M(e);return i&&t===e[1]&&t>0?`≥ ${y(t,2)}`:i&&s.signed&&t===e[0]&&t<0?`≤ ${y(t,2)}`:y(t,2)}};var z=class{constructor(t,e){this.space=t,this.plane=e,this.columns=t.shape[e.horizontal],this.rows=t.shape[e.vertical],[this.scan,this.overlay]=[0,1].map(()=>{
let s=document.createElement("canvas");s.width=this.columns,s.height=this.rows;let i=s.getContext("2d"),n=i.createImageData(this.columns,this.rows);return{canvas:s,
context:i,image:n,pixels:new Uint32Array(n.data.buffer)}})}walk(t,e){let{space:s,plane:i}=this,n=s.strides[i.horizontal],r=s.strides[i.vertical];return{start:t*
s.strides[i.axis]+(this.rows-1)*r+(e?(this.columns-1)*n:0),right:e?-n:n,down:-r}}fill(t,e,s,i,{start:n,right:r,down:a}){let{pixels:h}=t;for(let c=0,p=0;c<this.rows;c+=
1)for(let l=0,u=n+c*a;l<this.columns;l+=1,p+=1,u+=r)h[p]=i!==null&&i[u]===0?0:s[e[u]];t.context.putImageData(t.image,0,0)}draw(t,e,{scan:s,map:i,table:n,mask:r,
slice:a,flip:h,smooth:c}){let p=this.walk(a,h);t.imageSmoothingEnabled=c,t.imageSmoothingQuality="medium",this.fill(this.scan,s.codes,s.table,null,p),t.drawImage(
this.scan.canvas,e.x,e.y,e.width,e.height),i&&(this.fill(this.overlay,i.codes,n,r,p),t.drawImage(this.overlay.canvas,e.x,e.y,e.width,e.height))}};var Q="#7ee8c2";function A(o,t,e,s,i,n,r="#f2f2f2"){o.textAlign=i,o.textBaseline=n,o.lineJoin="round",o.lineWidth=3,o.strokeStyle="rgba(0, 0, 0, 0.85)",o.strokeText(
t,e,s),o.fillStyle=r,o.fillText(t,e,s)}var Z=7,tt=class{constructor(t,e){Object.assign(this,{viewer:t,view:e}),this.images=k.map(s=>new z(t.space,s)),this.canvas=f("canvas",{class:"pane mosaic",tabindex:"\
0",role:"application",onfocus:()=>t.activate(t.active,e),onpointerdown:s=>{this.pick(s)&&t.report()},onkeydown:s=>this.key(s)})}get planes(){return this.viewer.
shownPlanes}slices(t){let[e,s]=this.view.scan.bounds(this.viewer.space)[t];return Array.from({length:Z},(i,n)=>Math.round(e+(n+1)*(s-e)/(Z+1)))}resize(t){this.width=
t,this.tiles=[];let e=0;for(let s of this.planes){let[i,n]=this.viewer.space.extent(s),r=P(s.axis,this.viewer.settings.convention),a=t/Z,h=a*n/i;this.slices(s.axis).
forEach((p,l)=>{let u=r?Z-1-l:l;this.tiles.push({plane:s,slice:p,x:u*a,y:e,width:a,height:h})}),e+=h}this.height=e,this.context=$(this.canvas,t,e)}draw(){let{viewer:t,
view:e,context:s}=this,{settings:i,cursor:n}=t;s.fillStyle="#000",s.fillRect(0,0,this.width,this.height);let r=i.overlay?e.map:null;for(let a of this.tiles){let{
plane:h,slice:c}=a,p=P(h.horizontal,i.convention),l={scan:e.scan,map:r,table:e.table,mask:e.mask,slice:c,flip:p,smooth:i.smooth};if(this.images[h.axis].draw(s,a,
l),t.outlines&&i.outlines!=="off"){let m=t.areas.codes[t.space.index(n)];t.outlines.draw(s,a,h,c,p,m,i.outlines)}let u=[...n];u[h.axis]=c,s.font=`${a.width<100?
10:12}px ${t.font}`;let d=`${h.coordinate} ${C(t.space.mm(u)[h.axis])}`;A(s,d,a.x+6,a.y+5,"left","top","#c3c8d0")}this.planes.forEach(a=>this.drawLetters(a)),this.
drawNearest(),this.canvas.setAttribute("aria-label",`${e.name}: seven slices along each axis`)}drawLetters(t){let{context:e,viewer:s}=this,i=D(t,s.settings.convention),
r=this.tiles.filter(a=>a.plane===t).find(a=>a.x===0);e.font=`600 ${r.width<100?12:14}px ${s.font}`,A(e,i.left,5,r.y+r.height/2,"left","middle"),A(e,i.right,this.
width-5,r.y+r.height/2,"right","middle")}drawNearest(){let{context:t,viewer:e}=this;if(e.settings.crosshair){t.strokeStyle=Q,t.lineWidth=1.5;for(let s of this.planes){
let i=a=>Math.abs(a.slice-e.cursor[s.axis]),r=this.tiles.filter(a=>a.plane===s).reduce((a,h)=>i(h)<i(a)?h:a);t.strokeRect(r.x+1,r.y+1,r.width-2,r.height-2)}}}pick(t){
if(t.button!==0)return!1;let e=this.canvas.getBoundingClientRect(),[s,i]=[t.clientX-e.left,t.clientY-e.top],n=this.tiles.find(d=>s>=d.x&&s<d.x+d.width&&i>=d.y&&
i<d.y+d.height);if(!n)return!1;let{plane:r,slice:a}=n,{shape:h}=this.viewer.space,c=Math.floor((s-n.x)/n.width*h[r.horizontal]),p=Math.floor((i-n.y)/n.height*h[r.
vertical]),l=[0,0,0];l[r.axis]=a;let u=P(r.horizontal,this.viewer.settings.convention);return l[r.horizontal]=u?h[r.horizontal]-1-c:c,l[r.vertical]=h[r.vertical]-
1-p,this.viewer.moveTo(this.viewer.space.inside(l)),!0}key(t){let e={ArrowLeft:-1,ArrowRight:1,PageUp:1,PageDown:-1};t.key in e&&(t.preventDefault(),this.viewer.
step(this.viewer.active,e[t.key]))}};var be="rgba(86, 180, 233, 0.9)",ve=5,xe=[[1,0,0],[-1,0,0],[0,1,0],[0,-1,0],[0,0,1],[0,0,-1]];function yt(o){let{plane:t,viewer:e}=o,{patch:s}=e.spec;return[t.horizontal,
t.vertical].some(n=>{let[r,a]=s.centres[n];return a!==void 0&&Math.abs(a-r)*o.voxelSize(n)<ve})?[]:Mt(s,e.cursor,[t.horizontal,t.vertical]).map(n=>o.place(n))}function ye(o){
let{context:t}=o;t.fillStyle=be,t.strokeStyle="rgba(0, 0, 0, 0.8)",t.lineWidth=1;for(let[e,s]of yt(o))t.beginPath(),t.arc(e,s,2.5,0,2*Math.PI),t.fill(),t.stroke()}
function Yt(o){let{context:t,viewer:e,view:s,box:i}=o,n=r=>{let a=B(e.spec.patch,e.cursor,r);if(!a)return;let h=m=>o.place(a.map(g=>g[m]-.5)),[[c,p],[l,u]]=[h(0),
h(1)],d=[Math.min(c,l),Math.min(p,u),Math.abs(l-c),Math.abs(u-p)];t.strokeRect(...d),!s.map&&r.every(m=>m===0)&&t.fillRect(...d)};t.save(),t.beginPath(),t.rect(
i.x,i.y,i.width,i.height),t.clip(),s.map||ye(o),t.fillStyle="rgba(255, 226, 92, 0.16)",t.strokeStyle="rgba(255, 226, 92, 0.5)",t.lineWidth=1,t.setLineDash([3,4]);
for(let r of xe)n(r);t.setLineDash([]),t.strokeStyle="#ffe25c",t.lineWidth=1.5,n([0,0,0]),t.restore()}var et=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.image=new z(t.space,s),this.wheel=0,this.canvas=f("canvas",{class:"pane",tabindex:"\
0",role:"application","data-plane":s.name.toLowerCase(),"aria-roledescription":"brain slice",onpointerdown:i=>this.press(i),onpointermove:i=>this.drag(i),onpointerup:i=>this.
release(i),onpointercancel:i=>this.release(i),ondblclick:()=>t.set({planes:t.settings.planes==="all"?s.name:"all"}),onkeydown:i=>this.key(i),onfocus:()=>t.activate(
s.axis,e)}),this.canvas.addEventListener("wheel",i=>this.roll(i),{passive:!1})}get flip(){return P(this.plane.horizontal,this.viewer.settings.convention)}get letters(){
return D(this.plane,this.viewer.settings.convention)}resize(t,e){let[s,i]=this.viewer.space.extent(this.plane),n=Math.min(t/s,e/i);Object.assign(this,{width:t,height:e});
let[r,a]=[s*n,i*n];this.box={width:r,height:a,x:(t-r)/2,y:(e-a)/2},this.context=$(this.canvas,t,e)}draw(){let{viewer:t,view:e,plane:s,context:i,box:n,flip:r}=this,
{settings:a,cursor:h}=t,c=h[s.axis];i.fillStyle="#000",i.fillRect(0,0,this.width,this.height);let p=a.overlay?e.map:null;if(this.image.draw(i,n,{scan:e.scan,map:p,
table:e.table,mask:e.mask,slice:c,flip:r,smooth:a.smooth}),t.outlines&&a.outlines!=="off"){let u=t.areas.codes[t.space.index(h)];t.outlines.draw(i,n,s,c,r,u,a.outlines)}
t.spec.patch&&a.patch&&Yt(this),a.crosshair&&this.drawCrosshair(),this.drawLabels();let l=t.space.mm(h)[s.axis];this.canvas.setAttribute("aria-label",`${e.name}\
 ${s.name}, ${s.coordinate} = ${C(l)} mm. Arrow keys move the crosshair, Page Up and Page Down change the slice.`)}patchCenters(){return yt(this)}place(t){let{horizontal:e,
vertical:s}=this.plane,[i,n]=[this.viewer.space.shape[e],this.viewer.space.shape[s]],r=this.flip?i-1-t[e]:t[e];return[this.box.x+(r+.5)*this.box.width/i,this.box.
y+(n-.5-t[s])*this.box.height/n]}voxelSize(t){let{shape:e}=this.viewer.space;return t===this.plane.horizontal?this.box.width/e[t]:this.box.height/e[t]}drawCrosshair(){
let{context:t,box:e}=this,[s,i]=this.place(this.viewer.cursor).map(r=>Math.round(r)+.5),n=7;t.beginPath();for(let[r,a]of[[e.x,s-n],[s+n,e.x+e.width]])a>r&&(t.moveTo(
r,i),t.lineTo(a,i));for(let[r,a]of[[e.y,i-n],[i+n,e.y+e.height]])a>r&&(t.moveTo(s,r),t.lineTo(s,a));t.lineWidth=1,t.globalAlpha=.85,t.strokeStyle=Q,t.stroke(),t.
globalAlpha=1}drawLabels(){let{context:t,plane:e,viewer:s,width:i,height:n}=this,{letters:r}=this,a=i<190;t.font=`600 ${a?12:14}px ${s.font}`;let h=a?4:7;A(t,r.
left,h,n/2,"left","middle"),A(t,r.right,i-h,n/2,"right","middle"),A(t,r.top,i/2,h,"center","top"),A(t,r.bottom,i/2,n-h,"center","bottom"),t.font=`${a?11:13}px ${s.
font}`;let c=s.space.mm(s.cursor)[e.axis];i>240&&A(t,e.name,8,8,"left","top","#b9bec7");let p=a?"":" mm";A(t,`${e.coordinate} ${C(c)}${p}`,i-h-1,h+1,"right","to\
p","#b9bec7")}locate(t){let{horizontal:e,vertical:s}=this.plane,{shape:i}=this.viewer.space,n=this.canvas.getBoundingClientRect(),r=Math.floor((t.clientX-n.left-
this.box.x)/this.box.width*i[e]),a=Math.floor((t.clientY-n.top-this.box.y)/this.box.height*i[s]),h=[...this.viewer.cursor];return h[e]=this.flip?i[e]-1-r:r,h[s]=
i[s]-1-a,this.viewer.space.inside(h)}press(t){t.button===0&&(this.canvas.setPointerCapture(t.pointerId),this.pressed=!0,this.viewer.player.stop(),this.viewer.moveTo(
this.locate(t)))}drag(t){this.pressed&&this.viewer.moveTo(this.locate(t))}release(t){this.pressed&&(this.pressed=!1,t.type==="pointerup"&&this.viewer.report())}roll(t){
if(t.ctrlKey)return;t.preventDefault(),this.wheel+=t.deltaMode===1?t.deltaY*40:t.deltaY;let e=Math.trunc(this.wheel/40);e&&(this.wheel=0,this.viewer.activate(this.
plane.axis,this.view),this.viewer.step(this.plane.axis,-Math.sign(e)*Math.min(3,Math.abs(e))))}key(t){let{viewer:e,plane:s}=this,i=this.flip?-1:1,n={ArrowLeft:[
s.horizontal,-i],ArrowRight:[s.horizontal,i],ArrowUp:[s.vertical,1],ArrowDown:[s.vertical,-1],PageUp:[s.axis,1],PageDown:[s.axis,-1],Home:[s.axis,-1e6],End:[s.axis,
1e6]};if(t.key in n){let[r,a]=n[t.key];e.step(r,t.shiftKey?10*a:a)}else if(t.key===" ")e.togglePlay();else if(t.key==="Enter")e.report();else if(t.key==="o")e.set(
{overlay:!e.settings.overlay});else if(t.key==="p")e.toPeak();else return;t.preventDefault()}};var st=class{constructor(t,e,s){Object.assign(this,{viewer:t,view:e,plane:s}),this.canvas=f("canvas",{class:"profile",tabindex:"0",role:"slider","data-plane":s.
name.toLowerCase(),"aria-valuemin":"0","aria-valuemax":String(t.space.shape[s.axis]-1),"aria-label":`${e.name} relevance per ${s.name.toLowerCase()} slice`,title:`\
Sum of the relevance shown, per ${s.name.toLowerCase()} slice. Click or drag to go there.`,onpointerdown:i=>{this.canvas.setPointerCapture(i.pointerId),this.pressed=
!0,t.player.stop(),this.go(i)},onpointermove:i=>this.pressed&&this.go(i),onpointerup:()=>{this.pressed=!1,t.report()},onpointercancel:()=>{this.pressed=!1},onfocus:()=>t.
activate(s.axis,e),onkeydown:i=>this.key(i)})}get flip(){return P(this.plane.axis,this.viewer.settings.convention)}resize(t,e){Object.assign(this,{width:t,height:e}),
this.context=$(this.canvas,t,e)}get inset(){return{left:18,width:this.width-36}}x(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset;
return s+((this.flip?e-1-t:t)+.5)*i/e}go(t){let e=this.viewer.space.shape[this.plane.axis],{left:s,width:i}=this.inset,n=Math.floor((t.clientX-this.canvas.getBoundingClientRect().
left-s)/i*e),r=[...this.viewer.cursor];r[this.plane.axis]=this.flip?e-1-n:n,this.viewer.moveTo(this.viewer.space.inside(r))}key(t){let e=this.flip?-1:1,s={ArrowRight:e,
ArrowLeft:-e,ArrowUp:1,ArrowDown:-1,PageUp:10,PageDown:-10,Home:-1e6,End:1e6};t.key in s&&(t.preventDefault(),this.viewer.step(this.plane.axis,s[t.key]))}draw(){
let{context:t,plane:e,viewer:s,view:i,width:n,height:r}=this,a=s.cursor[e.axis],h=s.colors;t.clearRect(0,0,n,r);let[c,p]=this.flip?[...N[e.axis]].reverse():N[e.
axis];t.font=`600 12px ${s.font}`,t.fillStyle=h.faint,t.textBaseline="middle",t.textAlign="left",t.fillText(c,3,r/2),t.textAlign="right",t.fillText(p,n-3,r/2);let l=i.
measured,u=l?.positive[e.axis],d=l?.negative[e.axis],m=i.map?.signed??!1,g=m?Math.round(r/2):r-3;if(l){let U=Math.max(...u,...d.map(w=>-w))||1,b=m?r/2-3:r-6,S=this.
inset.width/u.length,v=(w,O,L)=>{t.fillStyle=L,t.fillRect(this.x(w)-S/2,Math.min(g,g-O),Math.max(S,.5)+.3,Math.abs(O))};for(let w=0;w<u.length;w+=1)u[w]&&v(w,b*
u[w]/U,h.positive),d[w]&&m&&v(w,b*d[w]/U,h.negative)}t.fillStyle=h.border,t.fillRect(this.inset.left,g,this.inset.width,1);let T=this.x(a);t.fillStyle=h.text,t.
fillRect(T-1,2,2,r-4),this.canvas.setAttribute("aria-valuenow",String(a));let ut=s.space.mm(s.cursor)[e.axis];this.canvas.setAttribute("aria-valuetext",`${e.coordinate}\
 = ${C(ut)} mm`)}};var it=class{constructor(t,e){this.name=t.name,this.names=t.names,this.codes=E(e,t.bits)}at(t){let e=this.codes[t];return e===0?"outside the areas":this.names[e-
1]}};function Kt(o,[t,e,s]){let i=p=>[p%t,Math.floor(p/t)%e,Math.floor(p/(t*e))],n=new Set(o),r=[];for(let p of o){if(!n.delete(p))continue;let l=[p];for(let u=0;u<l.
length;u+=1){let d=i(l[u]);for(let[m,g,T]of[[0,1,t],[1,t,e],[2,t*e,s]])d[m]>0&&n.delete(l[u]-g)&&l.push(l[u]-g),d[m]<T-1&&n.delete(l[u]+g)&&l.push(l[u]+g)}l.length>
r.length&&(r=l)}let a=r.map(i),h=[0,1,2].map(p=>a.reduce((l,u)=>l+u[p],0)/a.length),c=a.map(p=>p.reduce((l,u,d)=>l+(u-h[d])**2,0));return r[c.reduce((p,l,u)=>l<
c[p]?u:p,0)]}var ot=class{constructor(t){this.below=new Uint32Array(t.length+1);for(let e=0;e<t.length;e+=1)this.below[e+1]=this.below[e]+t[e];this.count=this.below[t.length]}magnitude(t){
let e=Math.min(this.count,Math.ceil(t*this.count/100)),[s,i]=[0,this.below.length-2];for(;s<i;){let n=s+i>>1;this.below[n+1]>=e?i=n:s=n+1}return s}percentBelow(t){
return this.count?100*this.below[t]/this.count:0}};var nt=class{constructor(t,e,s){Object.assign(this,{scale:t.scale,zero:t.zero,codes:E(e,t.bits)}),this.signed=t.signed;let i=new Uint32Array(65536),n=0,r=[];for(let a=0;a<
this.codes.length;a+=1){let h=this.codes[a];if(h===65535||h===this.zero)continue;let c=this.signed?Math.abs(h-this.zero):h-this.zero;c<=0||(i[c]+=1,c>n&&([n,r]=
[c,[]]),c===n&&r.push(a))}this.peak=r.length?Kt(r,s):-1,this.percentiles=new ot(i),this.count=this.percentiles.count,this.top=n*this.scale,this.flat=this.count>
0&&i[n]===this.count}value(t){let e=this.codes[t];return e===65535?NaN:(e-this.zero)*this.scale}quantile(t){return this.percentiles.magnitude(t)*this.scale}percentOf(t){
let e=x(Math.ceil(t/this.scale-1e-6),0,65535);return this.percentiles.percentBelow(e)}cuts(t){let e=Math.max(1,Math.ceil(t/this.scale-1e-6));return{high:this.zero+
e,low:this.signed?this.zero-e:-1}}ownRange(){let t=this.quantile(99.9),e=(this.top>1.5*t&&t>0?t:this.top)||1;return this.signed?[-e,e]:[0,e]}};var rt=class{constructor(t,e){this.codes=E(e,t.bits),this.low=t.low,this.high=t.high,this.window=t.window,this.table=new Uint32Array(256)}value(t){return this.low+
this.codes[t]/255*(this.high-this.low)}code(t){return 255*(t-this.low)/(this.high-this.low)}setWindow(t,e){let[s,i]=this.window,n=r=>this.code(s+r*(i-s));Ft(n(t),
n(e),this.table)}bounds(t){if(this.box)return this.box;let e=t.shape.map(a=>new Uint32Array(a)),s=Math.max(1,this.code(this.window[0])),[i,n,r]=t.shape;for(let a=0,
h=0;a<r;a+=1)for(let c=0;c<n;c+=1)for(let p=0;p<i;p+=1,h+=1)this.codes[h]<=s||(e[0][p]+=1,e[1][c]+=1,e[2][a]+=1);return this.box=e.map(a=>{let h=a.findIndex(c=>c>
0);return h<0?[0,a.length-1]:[h,a.findLastIndex(c=>c>0)]}),this.box}};function ke(){return globalThis.mriinterpVolumes??=new Map,globalThis.mriinterpVolumes}function Me(o){let t=ke();if(!t.has(o)){let e={users:0,started:!1};e.promise=
new Promise((s,i)=>Object.assign(e,{resolve:s,reject:i})),t.set(o,e)}return t.get(o)}function Jt(o){return Me(o).promise}var at=class{constructor(){this.decoded=new Map}async obtain(t,e,s){return this.decoded.has(t)||this.decoded.set(t,s(await Jt(e.volume))),this.decoded.get(t)}async load(t){
let e=p=>`scan ${p.volume}`,s=p=>`areas ${p.volume}`,i=(p,l,u)=>Promise.all(p.map(d=>this.obtain(l(d),d,m=>u(d,m)))),n=t.atlas?[t.atlas]:[],[r,a,[h=null]]=await Promise.
all([i(t.scans,e,(p,l)=>new rt(p,l)),i(t.layers,ht,(p,l)=>new nt(p,l,t.shape)),i(n,s,(p,l)=>new it(p,l))]),c=new Set([...t.scans.map(e),...t.layers.map(ht),...n.
map(s)]);return{scans:r,maps:a,areas:h,used:c}}keepOnly(t){for(let e of this.decoded.keys())t.has(e)||this.decoded.delete(e)}};function ht(o){return`${o.volume}${o.
signed}`}var lt=class{constructor(t,e,s,i){Object.assign(this,{viewer:t,scan:s,map:i}),this.name=e?.name??"",this.unit=e?.unit??"",this.given=e?.range??null,this.part=e?.
signed?e.part:"both",this.ends=e?.ends??null,this.id=e?ht(e):"",this.measured=null,this.table=new Uint32Array(65536),this.bar=i?new X(this):null,this.panes=k.map(
n=>new et(t,this,n)),this.profiles=i?k.map(n=>new st(t,this,n)):[],this.mosaic=new tt(t,this),this.reading=f("span",{class:"reading",title:"Value at the crossha\
ir","data-text":!0}),this.meaning=f("span",{class:"unit","data-text":!0}),this.planes=f("div",{class:"planes"}),this.head=f("div",{class:"head"},f("span",{class:"\
name",text:this.name,"data-text":!0}),this.reading,f("span",{class:"spring"}),this.meaning,this.bar?.element),this.element=f("section",{class:"view","aria-label":this.
name||"Scan"},i?this.head:null,this.planes)}get mask(){return this.measured?.mask??null}resolveThreshold(){let{settings:t,thresholdSetting:e}=this.viewer,{map:s}=this,
i=s.flat?0:e;this.threshold=t.threshold_mode==="percentile"?s.quantile(i):e}ownRange(){if(!this.given)return this.map.ownRange();let[t,e]=this.given;if(!this.map.
signed)return e>t?[t,e]:[t,t+1];let s=M(this.given)||1;return[-s,s]}shownSide([t,e]){return[this.part==="positive"?0:t,this.part==="negative"?0:e]}color(t){let{
settings:e}=this.viewer;this.range=this.shownSide(t),this.cuts=this.map.cuts(this.threshold),this.ramp=this.map.signed?vt("signed",e.signedScale,this.part):vt("\
unsigned",e.unsignedScale);let{ramp:s,cuts:i}=this;Dt(this.map,{ramp:s,range:this.range,cuts:i,opacity:e.opacity,fade:e.fade},this.table)}describe(){let t=this.
viewer.views.filter(i=>i.map&&i!==this),e=t.filter(i=>M(i.range)===M(this.range)),s=e.length===0?"own scale":e.length===t.length?"common scale":`scale shared wi\
th ${e.map(i=>i.name).join(", ")}`;this.meaning.textContent=[this.unit,t.length?s:""].filter(Boolean).join(" · ")}draw(){if(this.viewer.settings.view==="mosaic"){
this.mosaic.draw();return}for(let t of this.viewer.shownPlanes)this.panes[t.axis].draw(),this.profiles[t.axis]?.draw()}};function Xt(o,t){o.forEach(r=>r.resolveThreshold());
let e=o.map(r=>r.ownRange()),s=t.top??Math.max(...e.map(M)),i=Math.min(0,...e.filter((r,a)=>!o[a].map.signed).map(r=>r[0])),n=t.share_range||t.top!==null;o.forEach(
(r,a)=>{r.color(n?r.map.signed?[-s,s]:[i,s]:e[a])}),o.forEach(r=>r.describe())}var Se=180,ct=400,pt=class{constructor(t){this.views=[],this.volumes=new at,this.pending=new Set,this.frames={count:0,last:0,longest:0},this.active=2,this.measurer=
new F((e,s)=>this.takeMeasure(e,s)),this.player=new H(()=>this.playOn(),e=>this.showPlaying(e)),this.reporter=new q(()=>this.player.playing?null:this.reported),
this.stage=f("div",{class:"stage"},f("p",{class:"wait",text:"Loading the images …"})),this.status=f("div",{class:"status",role:"status","data-text":!0}),this.
convention=f("span",{class:"convention","data-text":!0}),this.shown=f("span",{class:"shown","data-text":!0}),this.footer=f("div",{class:"footer"},this.status,f(
"div",{class:"notes"},this.convention,this.shown)),this.root=f("div",{class:"mriinterp-viewer","data-ready":"false"},this.stage,this.footer),this.root.mriinterpViewer=
this,t.append(this.root),this.observer=new ResizeObserver(()=>this.spec&&this.root.clientWidth!==this.laidOut&&this.ask("layout")),this.observer.observe(this.root)}async accept(t){
let{data:e,setStateValue:s}=t;this.reporter.send=r=>s("cursor",r);let i=JSON.stringify(e);if(i===this.specText){Object.assign(this,bt(this.root)),this.ask("colo\
r");return}this.specText=i;let n=!this.spec;try{let r=await this.volumes.load(e);if(i!==this.specText||this.closed)return;this.take(e,r,n)}catch(r){this.stage.replaceChildren(
f("p",{class:"wait",role:"alert",text:`The images could not be read: ${r.message}`}))}}take(t,{scans:e,maps:s,areas:i,used:n},r){let a=this.spec;this.spec=t,this.
volumes.keepOnly(n),this.measurer.keepOnly(n);let h=c=>JSON.stringify([c.shape,c.affine,c.scans,c.layers,c.atlas]);(r||h(a)!==h(t))&&this.build(t,e,s,i),this.takeSettings(
t),this.takeCursor(t,r),this.ask(...G)}build(t,e,s,i){this.space=new V(t),this.areas=i,this.outlines=i?new W(this.space,i):null;let n=t.layers.length?t.layers:[
null];this.views=n.map((r,a)=>new lt(this,r,e[r?.scan??0],r?s[a]:null));for(let r of this.views)r.map&&this.measurer.load(r.id,r.map.codes,t.shape,r.map.zero);this.
cursor&&(this.cursor=this.space.inside(this.cursor)),this.toolbar||(this.toolbar=new J(this),this.root.prepend(this.toolbar.element)),this.stage.replaceChildren(
...this.views.map(r=>r.element)),wt(this),Object.assign(this,bt(this.root))}takeSettings({settings:t,begin:e}){let s=this.given?this:gt(this.spec.key);this.settings=
s?.begin===e?R(t,s?.settings):R(t),Object.assign(this.settings,It(s?.given??t,t)),Object.assign(this,{given:t,begin:e})}takeCursor(t,e){let s=e?gt(t.key):this;s?.
move===t.move&&s.cursor?this.cursor=this.space.inside(s.cursor):t.cursor&&(this.cursor=this.space.fromMm(t.cursor)),this.cursor??=this.peak()??this.space.center,
this.move=t.move}peak(){let t=(this.views.includes(this.activeView)?this.activeView:this.views[0])?.map;return t&&t.peak>=0?this.space.voxelAt(t.peak):null}get shownPlanes(){
return this.settings.planes==="all"?k:k.filter(t=>t.name===this.settings.planes)}get thresholdSetting(){return Ut(this.settings)}set(t){if("threshold_mode"in t&&
t.threshold_mode!==this.settings.threshold_mode){let e=this.views.find(s=>s.map);e&&(t.threshold=t.threshold_mode==="value"?e.threshold:e.map.percentOf(e.threshold))}
Object.assign(this.settings,_t(t,this.settings)),this.ask(...Nt(t)),this.report(ct)}reset(){this.settings=R(this.spec.usual??this.spec.settings),this.ask(...G),
this.report(ct)}moveTo(t){this.cursor.every((e,s)=>e===t[s])||(this.cursor=t,this.ask(),this.report(ct))}step(t,e){let s=[...this.cursor];s[t]+=e,this.moveTo(this.
space.inside(s))}activate(t,e){this.active=t,this.activeView=e}toPeak(){let t=this.peak();t&&(this.player.stop(),this.moveTo(t),this.report())}togglePlay(){this.
player[this.player.playing?"stop":"start"]()}playOn(){let[t,e]=this.views[0].scan.bounds(this.space)[this.active],s=[...this.cursor];s[this.active]=s[this.active]>=
e||s[this.active]<t?t:s[this.active]+1,this.moveTo(s)}showPlaying(t){this.toolbar.showPlaying(t),t||this.report(ct)}toggleFullScreen(){document.fullscreenElement?
document.exitFullscreen():this.root.requestFullscreen?.().catch(()=>{})}get reported(){return{mm:this.space.mm(this.cursor).map(e=>Math.round(1e6*e)/1e6),move:this.
move,begin:this.begin,settings:{...jt(this.settings),threshold:this.thresholdSetting}}}report(t=Se){this.spec.report&&!this.closed&&this.reporter.ask(t)}ask(...t){
t.forEach(e=>this.pending.add(e)),this.request??=requestAnimationFrame(()=>{this.request=null,this.frame()})}frame(){if(!this.spec||this.closed)return;let t=performance.
now(),e=new Set(this.pending);this.pending.clear();let s=this.views.filter(i=>i.map);if((e.has("measure")||e.has("color"))&&Xt(s,this.settings),Bt(this),e.has("\
layout")){if(!Ct(this)){this.pending=e;return}this.laidOut=this.root.clientWidth,this.convention.textContent=St[this.settings.convention]}if(e.has("window"))for(let i of this.
views)i.scan.setWindow(this.settings.black,this.settings.white);if(e.has("measure"))for(let i of s)this.measurer.ask(i.id,i.cuts.low,i.cuts.high,this.settings.cluster);
if(e.has("color")||e.has("layout")||e.has("measure"))for(let i of s)i.bar.draw(this);e.size&&this.toolbar.sync(),this.draw(),Ot(this),this.frames.last=performance.
now()-t,this.frames.longest=Math.max(this.frames.longest,this.frames.last),this.frames.count+=1,this.root.dataset.ready="true"}takeMeasure(t,e){for(let s of this.
views)s.id===t&&(s.measured=e);wt(this),this.ask()}draw(){for(let t of this.views)t.draw()}patchWindow(){return B(this.spec.patch,this.cursor)}close(){this.closed=
!0,this.player.stop(),this.reporter.close(),this.observer.disconnect(),this.measurer.close(),this.root.remove()}};var _=new WeakMap;function gi(o){let t=o.parentElement;return _.has(t)||_.set(t,new pt(t)),_.get(t).accept(o),()=>{_.get(t)?.close(),_.delete(t)}}export{gi as default};
