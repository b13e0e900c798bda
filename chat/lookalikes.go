package chat

// lookAlikes maps characters, decomposed and in lower case where they have
// one, to the Latin letters that they resemble. I, l, 1 and | look the same in
// many typefaces, and i is the folded I. What resembles what follows Unicode
// Technical Standard 39 (confusables), and goes beyond it where letters differ
// by no more than a stroke or a hook. Cherokee stands in both cases, for
// cases.Fold swaps them.
var lookAlikes = byCharacter(lookAlikeTable)

var lookAlikeTable = map[string]string{
	"a":  "@" + "ɑᴀᶏⱥꭤ" + "а" + "α⍺" + "ⲁ" + "Ꭺꭺ" + "ᗅᗩᐱ" + "ꓮ" + "𐌀",
	"ae": "æ" + "ӕ",
	"b":  "ƀƃɓʙᴃᵬᶀꞗ" + "вьъ" + "β" + "ⲃ" + "ᏴᏏᏼꮟ" + "ᑲᗷ" + "ꓐ" + "𐌁",
	"c":  "¢" + "ƈȼɕᴄↄꜿꞓꞔ" + "сҫє" + "ⲥ" + "Ꮯꮯ" + "ᑕ" + "ꓚ" + "𐌂𐐽",
	"d":  "đðƌȡɖɗᴅᵭᶁᶑꝺꟈ" + "ԁ" + "ᎠᏧꭰꮷ" + "ᑯᗞᗪ" + "ꓓꓒ",
	"e":  "€℮" + "əɇɘɛɜɝɞʚᴇᴈᶒᶓᶔⱸꬲꬳꬴ" + "еҽҿ" + "ε" + "ⲉ" + "Ꭼꭼ" + "ᕮᗴ" + "ꓰ" + "ⴹ⋿𐌄",
	"f":  "ƒᵮᶂꜰꝼꞙꬵẝ" + "ғ" + "ϝ" + "ք" + "ᖴ" + "ꓝ" + "𐌅",
	"g":  "ǥɠɡɢʛᵹᶃꞡꟑꬶ" + "ԍ" + "ց" + "ᏀᏳꮐᏻ" + "ᘜ" + "ꓖ",
	"h":  "ħɦʜⱨꞕ" + "нһңӈӊҥћ" + "հ" + "ⲏ" + "ᎻᏂꮋꮒ" + "ᕼ" + "ꓧ" + "𐌇",
	"j":  "ȷɉɟʄʝᴊ" + "ј" + "ϳ" + "Ꭻꭻ" + "ᒍ" + "ꓙ",
	"k":  "ƙᴋᶄⱪꝁꝃꝅꞣ" + "кқҝҡӄ" + "κ" + "ⲕ" + "Ꮶꮶ" + "ꓗ" + "𐌊",
	"l": "1i|∣ǀ" + "ıɨɪᶖɩłƚȴɫɬɭʟᴌᶅⱡꝇꝉꞎꬷꬸꬹ" + "іӏ" + "ι⍳" + "ⲓ" + "ᎥᏆᏞꭵꮖꮮ" + "ᒪᑊ" + "ꓲꓡ" + "ⵏ" + "ᅵ丨" +
		"וןا" + "𐌉",
	"m": "ɱᴍᵯᶆꬺ" + "м" + "μϻ" + "ⲙ" + "Ꮇꮇ" + "ᗰ" + "ꓟ" + "𐌌",
	"n": "₦∩⋂" + "ƞȵɲɳɴŋᴎᵰᶇꞑꞥꬻ" + "п" + "η" + "ոռ" + "ⲛ" + "ᑎ" + "ꓠ" + "𐌍",
	"o": "0〇○◯⭕∘∅⌀" + "øɔɵᴏᴐᴑᴒᴓᴖᴗᶗⱺꝋꝍꬽꬾꬿʘ" + "оөѳ" + "οσθ" + "օ" + "ⲟ" + "Ꮎꮎ" + "ᗝᓍ" + "ꓳ" + "ⵔⵙⵀ" + "ᄋᆼ" + "ס" + "ه٥۵ہە" +
		"߀०০੦૦୦௦౦೦൦๐໐၀᧐᪀ဝငටഠఠಠჿ" + "𐌏𐐬",
	"oe": "œ",
	"p":  "ƥᴘᵱᵽᶈꝑꝓꝕ" + "рҏ" + "ρ⍴ϸ" + "ⲣ" + "Ꮲꮲ" + "ᑭ" + "ꓑ" + "𐌐",
	"q":  "ɋʠꝗꝙꞯ" + "ԛ" + "գզ" + "ᑫ",
	"r":  "ɍɼɽɾɿʀʁɹɻᴙᵲᵳᶉꞃꞧꭆꭇꭈꭉꭋꭌꝛ" + "гя" + "ⲅ" + "ᎡᏒꭱꮢ" + "ᖇ" + "ꓣ",
	"s":  "$" + "ƨȿʂᵴᶊꜱꞅꞩꟊ" + "ѕ" + "տ" + "ᏚᏕꮪꮥ" + "ᔕ" + "ꓢ" + "𐌔",
	"t":  "ŧƫƭȶʈᴛᵵⱦꞇ" + "тҭ" + "τ" + "ⲧ" + "Ꭲꭲ" + "ꓔ" + "𐌕",
	"u":  "∪⋃" + "ʉᴜᴝᶙꞹꭎꭒ" + "цџ" + "υ" + "ս" + "ᑌ" + "ꓴ" + "ⵡ" + "ပ",
	"v":  "∨⋁" + "ʋʌᴠᶌⱱⱴꝟ" + "ѵ" + "ν" + "ⴸ" + "Ꮩꮩ" + "ᐯ" + "ꓦ" + "𐌖",
	"w":  "₩" + "ɯᴡⱳ" + "ԝшѡ" + "ω⍵" + "ա" + "ⲱ" + "ᎳᏔꮃꮤ" + "ᗯ" + "ꓪ",
	"x":  "×⨯" + "ᶍꭓꭕꭖꭗꭘꭙ" + "хҳ" + "χ" + "ⲭ" + "᙭" + "ꓫ" + "ⵝ" + "𐌗",
	"y":  "¥" + "ƴɏʏỿꭚɣ" + "уүұ" + "γ" + "ⲩ" + "ᎩᎽꭹꮍ" + "ᖻ" + "ꓬ" + "ყ",
	"z":  "ƶȥɀʐʑᴢᵶᶎⱬ" + "ζ" + "ⲍ" + "Ꮓꮓ" + "ᘔ" + "ꓜ",
	"3":  "зӡ",
}

// capitalLookAlikes maps capitals to the Latin capitals that they resemble,
// which need not be what their small letters resemble: ν is like v, Ν like N.
var capitalLookAlikes = byCharacter(capitalTable)

var capitalTable = map[string]string{
	"A": "ΑАᎪ", "B": "ΒВ", "C": "С", "D": "Ꭰ", "E": "ΕЕ", "F": "Ϝ", "G": "Ԍ", "H": "ΗНⲎ", "I": "ΙІӀ", "J": "ͿЈ", "K": "ΚКⲔ",
	"M": "ΜМϺⲘ", "N": "ΝⲚ", "O": "ΟОΘՕ", "P": "ΡРⲢ", "Q": "Ԛ", "S": "ЅՏ", "T": "ΤТⲦ", "U": "ՍԱ", "V": "Ѵ", "W": "Ԝ",
	"X": "ΧХⲬ", "Y": "ΥУҮⲨ", "Z": "ΖⲌ", "b": "Ь",
}

// byCharacter turns a table of letters and what resembles them around.
func byCharacter(table map[string]string) map[rune]string {
	m := map[rune]string{}
	for letter, like := range table {
		for _, r := range like {
			m[r] = letter
		}
	}
	return m
}
