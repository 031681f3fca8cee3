//! PKCS #1 v1.5 decryption with implicit rejection: the vectors of draft-irtf-cfrg-rsa-guidance for its key of 2048
//! bits.

mod common;

use common::hex;
use strongroom_crypto::Error;
use strongroom_crypto::rsa::{Check, Components, EncryptionPadding, PrivateKey};

#[test]
fn messages_are_made_up_as_the_draft_says() {
    let key = key();
    for (name, ciphertext, message) in CASES {
        let (ciphertext, message) = (hex(ciphertext), hex(message));
        let mut out = [0xaa; 256];
        let length = key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut out).unwrap();
        assert_eq!(out[..length], message, "{name}");
        assert!(out[length..].iter().all(|byte| *byte == 0xaa), "{name}: nothing behind the message");
        // The same each time, in a buffer that just takes it, and not in one that does not.
        let mut exact = vec![0; message.len()];
        assert_eq!(key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut exact), Ok(message.len()), "{name}");
        assert_eq!(exact, message, "{name}");
        if let Some(needed) = exact.len().checked_sub(1) {
            let too_small = key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut exact[..needed]);
            assert_eq!(too_small, Err(Error::OutputTooSmall { needed: needed + 1 }), "{name}");
        }
    }
}

#[test]
fn without_the_crt_values_the_same_messages_are_made_up() {
    let exponents = hex(PRIVATE_EXPONENT);
    let modulus = hex(MODULUS);
    let minimal = Components {
        modulus: &modulus,
        public_exponent: &[1, 0, 1],
        private_exponent: &exponents,
        prime_1: None,
        prime_2: None,
        exponent_1: None,
        exponent_2: None,
        coefficient: None,
    };
    let minimal = PrivateKey::from_components(&minimal, Check::Full).unwrap();
    for (name, ciphertext, message) in CASES {
        let mut out = [0; 256];
        let length = minimal.decrypt(&EncryptionPadding::Pkcs1, &hex(ciphertext), &mut out).unwrap();
        assert_eq!(out[..length], hex(message), "{name}");
    }
}

fn key() -> PrivateKey {
    let numbers = [MODULUS, PRIVATE_EXPONENT, PRIME_1, PRIME_2, EXPONENT_1, EXPONENT_2, COEFFICIENT].map(hex);
    let [modulus, private_exponent, prime_1, prime_2, exponent_1, exponent_2, coefficient] = &numbers;
    let components = Components {
        modulus,
        public_exponent: &[1, 0, 1],
        private_exponent,
        prime_1: Some(prime_1),
        prime_2: Some(prime_2),
        exponent_1: Some(exponent_1),
        exponent_2: Some(exponent_2),
        coefficient: Some(coefficient),
    };
    PrivateKey::from_components(&components, Check::Full).unwrap()
}

const MODULUS: &str = "\
    c8cc839714098da56caa23640f93dc8997c16372968fc1b0c6df5113c1c94e8b21e48ad2297e65419011b4e6d8f5e73b1b78\
    b257400321d1ef6b602d4ec8ce8d141c94905eb4ad306639a49206534b6e7f2607423e97dffd133c88d721399defbc7e96cc\
    dcbd7f3aae1fe892712bfb4929817d511666440a1facb7a208f5ea165910add8a3f2d497202360ccb632024f0d07169c1918\
    f316f794b143aef54ec87522a4c02978f9689980bffbf649c307e81819bff88409638d48bd94be152b59ff649fa0bd629d0f\
    fa1813c3abf4b56bd3c2ea5465dffa14589292a9d8a24ad26be7ee0510741b6382d43c83d5bfa40a46613d062be445517dbc\
    af0cb4e1a769";

const PRIVATE_EXPONENT: &str = "\
    1455010e0f2d587663a666a6ff1ccdbbf0edd8100646d02a023922908992c4ad39e5565929726ef6508c3a71158ef0b6ff75\
    1d39d07580bb2d2f063210442d0603ff50dbbd7b35fe2c9bb19a47a1af85a4c24901e02ca8b58b7919b20edf32aacfbf51ad\
    b4bc4b61b9b7e968caa4d570f70ef18d8063228893e47d439efca793259bcf2cd108a3d8688cdf078e7ac799969f2339d2c1\
    f522b969684629a933baaec2681625eab84f4e56f4447e9d88fb9a199cf71023e0e257b14441b33c84d3bc67ca8031d26126\
    18103a7a0a40844262f75d8890cd616e51f9035488fd6e099de8ff6d65a4ff118254807c9f58d2fbba8ba151dc8c68be349c\
    977a204e04c1";

const PRIME_1: &str = "\
    f8f5ad6ba828931bea459b8a3f6dc041d23482409c2571e963f31f748602a256371b3883ed459ecf970526459edd16e05522\
    f5a45d94751b2ec2daf272c7f8816a52c00d18080171634da899d7973222f51b937630548696a9f7d8c24a59497c1efcd455\
    cfb97ee86d2b6d34972b332fda303f04999b4eb6b5cc0bb33e7761dd";

const PRIME_2: &str = "\
    ce7a2e3b49a90b96330a12dc682bdfbdfbae8dd6dc03b6147aefbd575743f0f6da4d86235061b71afd9cad2d34025e56ac86\
    b0f7743eb35e1acbca237895424465b706ed22175e5718c8c70b6703ea8f6b510f945be48e5a36bb3c3c91732b589dfc05d7\
    2d80903194452bda21348647ec72943f11a846e62faebe8eb536b0fd";

const EXPONENT_1: &str = "\
    76fe15f18ae239cdf1df6b445ca4bc6bb968d788c21933a4f5dcd280033d6712062cc08a6df204c1fbd0be46307443e6dd4a\
    6456375429d4e038ca256faf1c9bde91c6b17b76f81995f91c48cbbebc7bf0e3494c08359e4e8cd6a587d7b96d6221fd7e0f\
    b5c5575f082ee57769798071b2bbb4a32238151b47314bb654790311";

const EXPONENT_2: &str = "\
    998848b055499a1009cbc7d294b36b1ffdf2020e6e7364053e94de1a000dc9340587f7e27276f68cdf608d753b63377b03b6\
    f4084d2c027c4b38960a6233ba9ed9738b76f10ea75be456078bf701f67cc6b3f3fdc186e64336c76b372e80910ec80b0adc\
    c23d02fb9ae10486a28248075b4ea7e56ddfcf3882e451561471a291";

const COEFFICIENT: &str = "\
    643bf746429f7d83667a0653021347efbfc05e6351f821a9debb60e0eccde5005ad9e9ec31e558f7e92c29328e74569d7cef\
    7c74cabc2b355ed401a1a0914b4e3cbb06484e58196051169ed14caa2efa6ea044e054d26144cc1629c55010558a04e133f4\
    4b7c244dac25bf913c57b890ee49f548259cd63404fef6859dcf975a";

const CASES: [(&str, &str, &str); 9] = [
    (
        "a block that is not padded gives an empty message",
        "20aaa8adbbc593a924ba1c5c7990b5c2242ae4b99d0fe636a19a4cf754edbcee774e472fe028160ed42634f8864900cb5140\
         06da642cae6ae8c7d087caebcfa6dad1551301e130344989a1d462d4164505f6393933450c67bc6d39d8f5160907cabc251b\
         737925a1cf21e5c6aa5781b7769f6a2a583d97cce008c0f8b6add5f0b2bd80bee60237aa39bb20719fe75749f4bc4e42466e\
         f5a861ae3a92395c7d858d430bfe38040f445ea93fa2958b503539800ffa5ce5f8cf51fa8171a91f36cb4f4575e8de6b4d3f\
         096ee140b938fd2f50ee13f0d050222e2a72b0a3069ff3a6738e82c87090caa5aed4fcbe882c49646aa250b98f12f83c8d52\
         8113614a29e7",
        "",
    ),
    (
        "the second to last candidate gives the length",
        "1439e08c3f84c1a7fec74ce07614b20e01f6fa4e8c2a6cffdc3520d8889e5d9a950c6425798f85d4be38d300ea5695f13ecd\
         4cb389d1ff5b82484b494d6280ab7fa78e645933981cb934cce8bfcd114cc0e6811eefa47aae20af638a1cd163d2d3366186\
         d0a07df0c81f6c9f3171cf3561472e98a6006bf75ddb457bed036dcce199369de7d94ef2c68e8467ee0604eea2b300947916\
         2a7891ba5c40cab17f49e1c438cb6eaea4f76ce23cce0e483ff0e96fa790ea15be67671814342d0a23f4a20262b6182e72f3\
         a67cd289711503c85516a9ed225422f98b116f1ab080a80abd6f0216df88d8cfd67c139243be8dd78502a7aaf6bc99d7da71\
         bcdf627e7354",
        "0f9b",
    ),
    (
        "the third to last candidate gives the length",
        "1690ebcceece2ce024f382e467cf8510e74514120937978576caf684d4a02ad569e8d76cbe365a060e00779de2f0865ccf0d\
         923de3b4783a4e2c74f422e2f326086c390b658ba47f31ab013aa80f468c71256e5fa5679b24e83cd82c3d1e05e398208155\
         de2212993cd2b8bab6987cf4cc1293f19909219439d74127545e9ed8a706961b8ee2119f6bfacafbef91b75a789ba65b8b83\
         3bc6149cf49b5c4d2c6359f62808659ba6541e1cd24bf7f7410486b5103f6c0ea29334ea6f4975b17387474fe920710ea615\
         68d7b7c0a7916acf21665ad5a31c4eabcde44f8fb6120d8457afa1f3c85d517cda364af620113ae5a3c52a04882173192273\
         7307f77a1081",
        "4f02",
    ),
    (
        "the first byte is 1",
        "9b2ec9c0c917c98f1ad3d0119aec6be51ae3106e9af1914d48600ab6a2c0c0c8ae02a2dc3039906ff3aac904af32ec798fd6\
         5f3ad1afa2e69400e7c1de81f5728f3b3291f38263bc7a90a0563e43ce7a0d4ee9c0d8a716621ca5d3d081188769ce1b131a\
         f7d35b13dea99153579c86db31fe07d5a2c14d621b77854e48a8df41b5798563af489a291e417b6a334c63222627376118c0\
         2c53b6e86310f728734ffc86ef9d7c8bf56c0c841b24b82b59f51aee4526ba1c4268506d301e4ebc498c6aebb6fd5258c876\
         bf900bac8ca4d309dd522f6a6343599a8bc3760f422c10c72d0ad527ce4af1874124ace3d99bb74db8d69d2528db22c3a376\
         44640f95c05f",
        "a1f8c9255c35cfba403ccc",
    ),
    (
        "the second byte is 1",
        "782c2b59a21a511243820acedd567c136f6d3090c115232a82a5efb0b178285f55b5ec2d2bac96bf00d6592ea7cdc3341610\
         c8fb07e527e5e2d20cfaf2c7f23e375431f45e998929a02f25fd95354c33838090bca838502259e92d86d568bc2cdb132fab\
         2a399593ca60a015dc2bb1afcd64fef8a3834e17e5358d822980dc446e845b3ab4702b1ee41fe5db716d92348d5091c15d35\
         a110555a35deb4650a5a1d2c98025d42d4544f8b32aa6a5e02dc02deaed9a7313b73b49b0d4772a3768b0ea0db5846ace656\
         9cae677bf67fb0acf3c255dc01ec8400c963b6e49b1067728b4e563d7e1e1515664347b92ee64db7efb5452357a02fff7fcb\
         7437abc2e579",
        "e6d700309ca0ed62452254",
    ),
    (
        "the eighth byte of the padding is 0",
        "a7a340675a82c30e22219a55bc07cdf36d47d01834c1834f917f18b517419ce9de2a96460e745024436470ed85e94297b283\
         537d52189c406a3f533cb405cc6a9dba46b482ce98b6e3dd52d8fce2237425617e38c11fbc46b61897ef200d01e4f25f5f6c\
         4c5b38cd0de38ba11908b86595a8036a08a42a3d05b79600a97ac18ba368a08d6cf6ccb624f6e8002afc75599fba4de3d4f3\
         ba7d208391ebe8d21f8282b18e2c10869eb2702e68f9176b42b0ddc9d763f0c86ba0ff92c957aaeab76d9ab8da52ea297ec1\
         1d92d770146faa1b300e0f91ef969b53e7d2907ffc984e9a9c9d11fb7d6cba91972059b46506b035efec6575c46d7114a6b9\
         35864858445f",
        "63cb0bf65fc8255dd29e17",
    ),
    (
        "there is no zero after the padding",
        "3d1b97e7aa34eaf1f4fc171ceb11dcfffd9a46a5b6961205b10b302818c1fcc9f4ec78bf18ea0cee7e9fa5b16fb4c611463b\
         368b3312ac11cf9c06b7cf72b54e284848a508d3f02328c62c2999d0fb60929f81783c7a256891bc2ff4d91df2af96a24fc5\
         701a1823af939ce6dbdc510608e3d41eec172ad2d51b9fc61b4217c923cadcf5bac321355ef8be5e5f090cdc2bd0c697d905\
         8247db3ad613fdce87d2955a6d1c948a5160f93da21f731d74137f5d1f53a1923adb513d2e6e1589d44cc079f4c6ddd471d3\
         8ac82d20d8b1d21f8d65f3b6907086809f4123e08d86fb38729585de026a485d8f0e703fd4772f6668febf67df947b82195f\
         a3867e3a3065",
        "6f09a0b62699337c497b0b",
    ),
    (
        "a good message, where the made up one would be empty",
        "b5e49308f6e9590014ffaffc5b8560755739dd501f1d4e9227a7d291408cf4b753f292322ff8bead613bf2caa181b221bc38\
         caf6392deafb28eb21ad60930841ed02fd6225cc9c463409adbe7d8f32440212fbe3881c51375bb09565efb22e62b071472f\
         b38676e5b4e23a0617db5d14d93519ac0007a30a9c822eb31c38b57fcb1be29608fcf1ca2abdcaf5d5752bbc2b5ac7dba5af\
         cff4a5641da360dd01f7112539b1ed46cdb550a3b1006559b9fe1891030ec80f0727c42401ddd6cbb5e3c80f312df6ec8939\
         4c5a7118f573105e7ab00fe57833c126141b50a935224842addfb479f75160659ba28877b512bb9a93084ad8bec540f92640\
         f63a11a010e0",
        "6c6f72656d20697073756d",
    ),
    (
        "the made up message is as long as can be",
        "48cceab10f39a4db32f60074feea473cbcdb7accf92e150417f76b44756b190e843e79ec12aa85083a21f5437e7bad0a6048\
         2e601198f9d86923239c8786ee728285afd0937f7dde12717f28389843d7375912b07b991f4fdb0190fced8ba665314367e8\
         c5f9d2981d0f5128feeb46cb50fc237e64438a86df198dd0209364ae3a842d77532b66b7ef263b83b1541ed671b120dfd660\
         462e2107a4ee7b964e734a7bd68d90dda61770658a3c242948532da32648687e0318286473f675b412d6468f013f14d760a3\
         58dfcad3cda2afeec5e268a37d250c37f722f468a70dfd92d7294c3c1ee1e7f8843b7d16f9f37ef35748c3ae93aa155cdcdf\
         eb4e78567303",
        "22d850137b9eebe092b24f602dc5bb7918c16bd89ddbf20467b119d205f9c2e4bd7d2592cf1e532106e0f33557565923c73a\
         02d4f09c0c22bea89148183e60317f7028b3aa1f261f91c979393101d7e15f4067e63979b32751658ef769610fe97cf9cef3\
         278b3117d384051c3b1d82c251c2305418c8f6840530e631aad63e70e20e025bcd8efb54c92ec6d3b106a2f8e64eeff7d384\
         95b0fc50c97138af4b1c0a67a1c4e27b077b8439332edfa8608dfeae653cd6a628ac550395f7e74390e42c11682234870925\
         eeaa1fa71b76cf1f2ee3bda69f6717033ff8b7c95c9799e7a3bea5e7e4a1c359772fb6b1c6e6c516661dfe30c3",
    ),
];
